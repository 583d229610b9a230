"""Requests of customers: an e-mail again, a new link, another restoration."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from domain.order.actors import CUSTOMER
from domain.order.commands import Command, RequestEmail, RequestRedo
from domain.order.customer_request_limits import (
    PAUSE,
    History,
    check_link_limit,
    check_wait,
    redo_ends_at,
    why_no_redo,
)
from domain.order.decide_delivery import is_on_its_way, requestable_email
from domain.order.errors import (
    AskedTooOftenError,
    IllegalMoveError,
    NothingToSendError,
    RedoRefusedError,
    UnknownImageError,
)
from domain.order.evolve import fold
from domain.order.order import Order
from domain.order.values import EmailKind, ImageId, OrderId, RedoObstacle
from domain.ports.clock import Clock
from domain.ports.unit_of_work import HasOrders
from domain.use_cases.delivery.downloads import (
    DownloadService,
    LinkExpiredError,
    LinkRevokedError,
    UnknownLinkError,
)
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.order_transaction import Cause, OrderTransaction
from domain.use_cases.shop_policy import ShopPolicy

#: Proposes a command, given the order and its history; None if it is being done already.
Request = Callable[[Order, History], Command | None]


@dataclass(eq=False, kw_only=True)
class CustomerRequests:
    """Handles customers' requests, within the limits of customer_request_limits.

    A redo requires a download token, because anyone who may open the photos may judge them. Everything else is sent
    to the address on file only, so the order id or one of its links is enough.
    """

    command_handler: OrderCommandHandler[HasOrders]
    downloads: DownloadService
    clock: Clock
    policy: ShopPolicy

    def resend(self, order_id: OrderId, request_id: UUID) -> None:
        """Send the e-mail for the order's state again.

        If the newest link has expired, a new one is sent. An e-mail that is already on its way is not sent twice.
        Raises NothingToSendError or AskedTooOftenError.
        """
        self._record(
            order_id, lambda order, history: self._mail(order, history, requestable_email(order)), request_id
        )

    def wait_before_resend(self, order_id: OrderId) -> timedelta | None:
        """How long ``resend`` would refuse from now; None if it always would.

        While the e-mail is on its way, that is a whole pause.
        """
        with self.command_handler.unit_of_work.transaction() as transaction:
            history = transaction.event_store.history(order_id)
        order = fold(order_id, history)
        try:
            proposed = self._mail(order, history, requestable_email(order))
        except AskedTooOftenError as error:
            return error.wait
        except NothingToSendError:
            return None
        return timedelta(0) if proposed is not None else PAUSE

    def renew_link(self, token: str, request_id: UUID) -> None:
        """Send a valid link in place of an expired one.

        It goes to the address on file. The caller does not learn whether anything was sent, so nothing is raised. A
        revoked link renews nothing: it was revoked so that its holder can do nothing, and a newer one exists. Nor does
        a link for others, whose holder is not the customer.
        """
        try:
            order, link = self.downloads.open(token)
        except LinkExpiredError as expired:
            if expired.is_shared:
                return
            order_id = expired.order_id
        except (UnknownLinkError, LinkRevokedError):
            return
        else:
            if link.is_shared:
                return
            order_id = order.order_id
        try:
            self._record(
                order_id, lambda order, history: self._mail(order, history, EmailKind.NEW_LINK), request_id
            )
        except (NothingToSendError, AskedTooOftenError, IllegalMoveError):
            return

    def redo(self, token: str, image_id: ImageId, request_id: UUID) -> None:
        """Request another restoration of an image; its results so far are kept.

        A repeated request during the redo changes nothing. Raises what opening the link raises, UnknownImageError, or
        RedoRefusedError.
        """
        opened, link = self.downloads.open(token)
        if link.is_shared:
            raise RedoRefusedError(image_id=image_id, why=RedoObstacle.SHARED_LINK)

        def request(order: Order, history: History) -> RequestRedo:
            image = order.images.get(image_id)
            if image is None:
                raise UnknownImageError(order_id=order.order_id, image_id=image_id)
            until = redo_ends_at(history, self.policy.delivery.redo_within)
            why = why_no_redo(order, image, self.policy.limits, until, self.clock.now())
            if why is not None and not image.is_being_redone:
                raise RedoRefusedError(image_id=image_id, why=why)
            return RequestRedo(image_id=image_id, by_customer=True)

        self._record(opened.order_id, request, request_id)

    def _record(self, order_id: OrderId, request: Request, request_id: UUID) -> None:
        """Decide a request under the order's lock, so concurrent ones are counted."""

        def work(transaction: OrderTransaction[HasOrders]) -> None:
            order = transaction.load(order_id)
            proposed = request(order, transaction.repositories.event_store.history(order_id))
            key = f"wish:{order.version}"  # stored causes begin with this word, so it stays
            cause = Cause(name="request", key=key, actor=CUSTOMER, correlation_id=request_id)
            transaction.record(order, [proposed] if proposed is not None else [], cause)

        self.command_handler.transact(work)

    def _mail(self, order: Order, history: History, kind: EmailKind) -> Command | None:
        """Propose the command for an e-mail; None if already on its way.

        Raises NothingToSendError or AskedTooOftenError.
        """
        if is_on_its_way(order, kind):
            return None
        if kind.brings_a_link:
            if order.work_is_stopped or order.is_disputed:
                raise NothingToSendError(state="on hold" if order.work_is_stopped else "disputed")
            if order.newest_link is not None and order.newest_link.expires_at <= self.clock.now():
                check_link_limit(history)
                return self.downloads.new_link(order)
        check_wait(history, kind, self.clock.now())
        return RequestEmail(kind=kind)
