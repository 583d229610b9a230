"""Actions of support staff, each with an actor and a reason.

The reason is stored as a note beside the log, in the same transaction as the event that refers to it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from domain.order import events as e
from domain.order.commands import (
    Command,
    Hold,
    Proposal,
    RecordManualRefund,
    Release,
    RequestEmail,
    RequestRedo,
    RequestRefund,
    RevokeLink,
)
from domain.order.decide_delivery import requestable_email
from domain.order.errors import ShopError
from domain.order.ledger import Refund, RefundStatus
from domain.order.order import Order
from domain.order.states import REFUND_STATES
from domain.order.values import (
    DownloadLinkId,
    ImageId,
    Money,
    NoteId,
    OrderId,
    RefundId,
)
from domain.ports.clock import Clock
from domain.ports.event_store import Commit
from domain.ports.ids import Ids
from domain.ports.unit_of_work import CauseRepeatedError, HasNotes, HasOrders, UnitOfWork
from domain.use_cases.delivery.downloads import DownloadService
from domain.use_cases.order_command_handler import OrderCommandHandler, Propose
from domain.use_cases.order_transaction import Cause
from domain.use_cases.support.action_refusals import ActionProblem, ActionRefusedError
from domain.use_cases.support.staff_requests import ActionResult, StaffRequest, note_of, was_done


class StaffActionRepositories(HasOrders, HasNotes, Protocol):
    """The repositories that a staff action is recorded in."""


#: Proposes commands or events to an order, given the id of the request's note.
Request = Callable[[Order, NoteId], Sequence[Proposal]]


@dataclass(eq=False, kw_only=True)
class StaffActions:
    """The actions of support staff.

    Each raises ActionRefusedError, and writes nothing, where the order forbids it.
    """

    unit_of_work: UnitOfWork[HasOrders]
    command_handler: OrderCommandHandler[StaffActionRepositories]
    downloads: DownloadService
    clock: Clock
    ids: Ids
    is_dry_run: bool = False

    def dry_run(self) -> "StaffActions":
        """Return the same actions as a preview: they decide and write nothing."""
        return replace(self, is_dry_run=True)

    # Whether reactions run.

    def hold(self, order_id: OrderId, by: StaffRequest) -> ActionResult:
        """Hold the order: no reaction is started until it is released."""

        def request(_order: Order, note: NoteId) -> Sequence[Command]:
            return [Hold(note_id=note)]

        return self._do(order_id, "hold", by, request, nothing_new=ActionProblem.ON_HOLD_ALREADY)

    def release(self, order_id: OrderId, by: StaffRequest) -> ActionResult:
        """Release the order from its hold; failed reactions are tried again."""

        def request(_order: Order, note: NoteId) -> Sequence[Command]:
            return [Release(note_id=note)]

        return self._do(order_id, "release", by, request, nothing_new=ActionProblem.NOT_ON_HOLD)

    def note(self, order_id: OrderId, by: StaffRequest) -> ActionResult:
        """Record the reason as a note, and do nothing else."""
        return self._do(order_id, "note", by, lambda _order, note: [e.NoteAdded(note_id=note)])

    # Money.

    def refund(
        self, order_id: OrderId, by: StaffRequest, *, amount: Money | None = None, photos: Sequence[int] = ()
    ) -> ActionResult:
        """Refund an amount, the price of some photos, or all that remains.

        A photo that is refunded by its number is no longer restored. Each request is a refund of its own.
        """

        def request(order: Order, note: NoteId) -> Sequence[Command]:
            if order.payment is None:
                raise ActionRefusedError(order, ActionProblem.NOTHING_PAID)
            images, refund_id = _images_of(order, photos), RefundId(self.ids.new())
            return [RequestRefund(refund_id=refund_id, amount=amount, image_ids=images, note_id=note)]

        return self._do(order_id, "refund", by, request)

    def record_manual_refund(
        self, order_id: OrderId, by: StaffRequest, *, refund: int | None = None
    ) -> ActionResult:
        """Record that a failed refund was paid another way.

        ``refund`` is its number (1-based), required if several failed.
        """

        def request(order: Order, note: NoteId) -> Sequence[Command]:
            failed = _failed_refund(order, refund)
            return [RecordManualRefund(refund_id=failed.refund_id, amount=failed.amount, note_id=note)]

        return self._do(order_id, "settle", by, request)

    # What the customer receives.

    def redo(self, order_id: OrderId, by: StaffRequest, *, photos: Sequence[int]) -> ActionResult:
        """Restore delivered photos once more in another way; keep their results."""

        def request(order: Order, note: NoteId) -> Sequence[Command]:
            return [
                RequestRedo(image_id=image_id, by_customer=False, note_id=note)
                for image_id in _images_of(order, photos)
            ]

        return self._do(order_id, "redo", by, request, nothing_new=ActionProblem.REDO_RUNNING)

    def renew_link(self, order_id: OrderId, by: StaffRequest, *, revokes_others: bool) -> ActionResult:
        """Issue and send a new link.

        With ``revokes_others``, all other links are revoked in the same commit.
        """

        def request(order: Order, note: NoteId) -> Sequence[Command]:
            issued = replace(self.downloads.new_link(order), note_id=note)
            return [issued, *(_revocations(_good_links(order), note) if revokes_others else [])]

        return self._do(order_id, "link", by, request)

    def revoke_links(self, order_id: OrderId, by: StaffRequest) -> ActionResult:
        """Revoke all links except the newest.

        During and after a full refund, the newest is revoked as well.
        """

        def request(order: Order, note: NoteId) -> Sequence[Command]:
            good = _good_links(order)
            return _revocations(good if order.state in REFUND_STATES else good[:-1], note)

        return self._do(order_id, "revoke", by, request, nothing_new=ActionProblem.NO_LINK_TO_REVOKE)

    def resend(self, order_id: OrderId, by: StaffRequest) -> ActionResult:
        """Send the e-mail about the order's current state again."""

        def request(order: Order, note: NoteId) -> Sequence[Command]:
            kind = requestable_email(order)
            link = order.newest_link
            if kind.brings_a_link and link is not None and link.expires_at <= self.clock.now():
                raise ActionRefusedError(order, ActionProblem.LINK_EXPIRED)
            return [RequestEmail(kind=kind, note_id=note)]

        return self._do(order_id, "resend", by, request, nothing_new=ActionProblem.EMAIL_ON_ITS_WAY)

    def _do(
        self,
        order_id: OrderId,
        action: str,
        by: StaffRequest,
        request: Request,
        *,
        nothing_new: ActionProblem = ActionProblem.NOTHING_TO_DO,
    ) -> ActionResult:
        """Record one request together with its note.

        ``nothing_new`` is the reason given when the request changes nothing.
        """
        key = by.cause_key(action, self.ids)
        note = note_of(order_id, by, self.ids, self.clock)
        cause = Cause(name=f"desk:{action}", key=key, actor=by.actor, correlation_id=note.note_id)

        def proposed(repositories: HasOrders, order: Order) -> Sequence[Proposal]:
            if by.key is not None and was_done(repositories, order_id, key):
                raise CauseRepeatedError(order_id)
            return request(order, note.note_id)

        def keep_note(repositories: StaffActionRepositories, commit: Commit) -> None:
            if not commit.events:
                raise ActionRefusedError(commit.before, nothing_new)
            repositories.notes.write(note)

        with self._refusals(order_id):
            if self.is_dry_run:
                return self._preview(order_id, proposed, cause, nothing_new)
            commit = self.command_handler.handle(order_id, proposed, cause, also=keep_note)
        return ActionResult(order=commit.after, events=commit.events)

    def _preview(
        self, order_id: OrderId, proposed: Propose[HasOrders], cause: Cause, nothing_new: ActionProblem
    ) -> ActionResult:
        with self.unit_of_work.transaction() as repositories:
            order = repositories.event_store.load(order_id)
            try:
                commit = self.command_handler.preview(order, proposed(repositories, order), cause)
            except CauseRepeatedError:
                return ActionResult(order=order, events=())
        if not commit.events:
            raise ActionRefusedError(order, nothing_new)
        return ActionResult(order=commit.after, events=commit.events)

    @contextmanager
    def _refusals(self, order_id: OrderId) -> Iterator[None]:
        """Translate refusals of the model into ActionRefusedError."""
        try:
            yield
        except ActionRefusedError:
            raise
        except ShopError as refusal:
            with self.unit_of_work.transaction() as repositories:
                order = repositories.event_store.load(order_id)
            raise ActionRefusedError(order, refusal) from refusal


def _images_of(order: Order, photos: Sequence[int]) -> tuple[ImageId, ...]:
    """Return the images with these numbers, 1-based, without repetitions.

    Raises ActionRefusedError for an unknown number.
    """
    images = tuple(order.images)
    for number in photos:
        if not 1 <= number <= len(images):
            raise ActionRefusedError(order, ActionProblem.NO_SUCH_PHOTO, number)
    return tuple(images[number - 1] for number in dict.fromkeys(photos))


def _failed_refund(order: Order, number: int | None) -> Refund:
    """Return the failed refund, by its number (1-based) if one is given.

    Raises ActionRefusedError if none, or without a number more than one, has failed.
    """
    refunds = list(order.refunds.values())
    failed = order.ledger.having(RefundStatus.FAILED)
    if number is not None:
        chosen = refunds[number - 1] if 1 <= number <= len(refunds) else None
        if chosen not in failed:
            raise ActionRefusedError(order, ActionProblem.REFUND_NOT_FAILED, number)
        return chosen
    if not failed:
        raise ActionRefusedError(order, ActionProblem.NO_REFUND_FAILED)
    if len(failed) > 1:
        raise ActionRefusedError(order, ActionProblem.SEVERAL_REFUNDS_FAILED)
    return failed[0]


def _good_links(order: Order) -> list[DownloadLinkId]:
    return [link.link_id for link in order.all_links.values() if not link.is_revoked]


def _revocations(links: Sequence[DownloadLinkId], note: NoteId) -> list[RevokeLink]:
    return [RevokeLink(link_id=link_id, note_id=note) for link_id in links]
