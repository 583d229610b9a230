"""Rebuilding of orders from their payment, the storage and the e-mail provider."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from domain.object_keys import originals_of
from domain.order import events as e
from domain.order.email import EmailStatus
from domain.order.order import Order
from domain.order.values import DownloadLinkId, EmailKind, OrderId
from domain.ports.email import DeliveryStatus
from domain.ports.errors import OutsideError
from domain.ports.order_queries import REMINDER
from domain.ports.provider_listings import EmailListing
from domain.ports.unit_of_work import HasEventStore, HasOrders, UnitOfWork
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.recovery.archive_rebuilding import ArchiveRebuilding
from domain.use_cases.recovery.own_objects import OwnObjects
from domain.use_cases.recovery.restore_cause import restore_cause
from domain.use_cases.recovery.result_rebuilding import ResultRebuilding
from domain.use_cases.restoration.originals import OriginalsCopier


@dataclass(eq=False, kw_only=True)
class OrderRebuilding:
    """Records what the storage and the e-mail provider prove about an order.

    Only objects with this shop's signature count. Nothing is sent, refunded or deleted here.
    """

    unit_of_work: UnitOfWork[HasEventStore]
    objects: OwnObjects
    originals_copier: OriginalsCopier
    results: ResultRebuilding
    archives: ArchiveRebuilding
    mails: EmailListing
    command_handler: OrderCommandHandler[HasOrders]

    def advance(self, order_id: OrderId, incident: str) -> bool:
        """Record what the storage and the e-mail provider know beyond the log.

        Returns whether anything was recorded. ``incident`` names the restore; repeating it is idempotent.
        """
        with self.unit_of_work.transaction() as transaction:
            before = transaction.event_store.load(order_id)
        if before.payment is None:
            return False
        order = before
        for name, facts_of in (
            ("originals", self._originals),
            ("results", self.results.first_results),
            ("links", self.archives.first_links),
            ("mails", self._emails),
        ):
            order = self._recorded(order, list(facts_of(order)), f"{incident}:{name}")
        for number in count(1):
            redos = self.results.redos(order)
            if not redos:
                break
            order = self._recorded(order, redos, f"{incident}:redos {number}")
            order = self._recorded(
                order, list(self.archives.newer_links(order)), f"{incident}:links of redos {number}"
            )
            order = self._recorded(order, list(self._emails(order)), f"{incident}:mails of redos {number}")
        return order.version > before.version

    def issue_links(
        self, order: Order, link_ids: Sequence[DownloadLinkId], expires_at: datetime, incident: str
    ) -> Order:
        """Record links to the newest archive that were sent, with their e-mails."""
        issued = [self.archives.issued_link(link_id, expires_at) for link_id in link_ids]
        order = self._recorded(order, issued, f"{incident}:sent links {order.version}")
        return self._with_emails(order, incident)

    def request_email(self, order: Order, kind: EmailKind, incident: str) -> Order:
        """Record an additional e-mail that was sent."""
        key = f"{incident}:sent again {order.version}"
        if kind is EmailKind.REMINDER and order.newest_link is not None:
            key = f"{REMINDER}{order.newest_link.link_id}"  # this cause tells that the link had its reminder
        requested = e.EmailRequested(email_id=order.next_email_id(kind), kind=kind)
        return self._with_emails(self._recorded(order, [requested], key), incident)

    def settle_emails(self, order_id: OrderId, incident: str) -> Order:
        """Record the outcome of the e-mails that are due."""
        with self.unit_of_work.transaction() as transaction:
            order = transaction.event_store.load(order_id)
        return self._with_emails(order, incident)

    def _with_emails(self, order: Order, incident: str) -> Order:
        return self._recorded(order, list(self._emails(order)), f"{incident}:mails {order.version}")

    def _recorded(self, order: Order, facts: Sequence[e.Event], key: str) -> Order:
        if not facts:
            return order
        return self.command_handler.handle(order.order_id, facts, restore_cause(order.order_id, key)).after

    def _originals(self, order: Order) -> Iterator[e.Event]:
        """Yield the copies of the photos, if any; copy missing ones."""
        is_moved = all(image.original is not None for image in order.images.values())
        if not is_moved and any(True for _ in self.objects.under(originals_of(order.order_id))):
            yield from self.originals_copier.move_images(order)

    def _emails(self, order: Order) -> Iterator[e.Event]:
        """Yield the outcome of due e-mails, which may have been sent.

        The provider confirms that, or the e-mail counts as unconfirmed.
        """
        for email in order.emails.values():
            if email.status is not EmailStatus.DUE:
                continue
            carried = None
            with suppress(OutsideError):  # an unavailable or closed account confirms none
                carried = self.mails.find(email.email_id)
            if carried is not None and carried.fate is DeliveryStatus.ACCEPTED:
                yield e.EmailSent(email_id=email.email_id, kind=email.kind, message_id=carried.message_id)
            else:
                yield e.EmailUnconfirmed(email_id=email.email_id, kind=email.kind)
