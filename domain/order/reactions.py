"""Reactions: the work that is derived from an order's state.

``pending_reactions`` is the only source: all work that an order requires now. ``reactions_to`` is what an event added
to it, and a reaction is still required while it is pending. Hence a hold, a release, a won dispute or a full refund
need no rules here: they change what is pending.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, get_args
from uuid import UUID, uuid5

from domain.order.email import EmailStatus
from domain.order.image import Image
from domain.order.ledger import RefundStatus
from domain.order.limits import Limits
from domain.order.order import Order
from domain.order.restoration_attempts import backoff
from domain.order.states import REFUND_STATES, State
from domain.order.values import EmailId, EmailKind, ImageId, OrderId, RefundId


@dataclass(frozen=True)
class _Kind:
    """What each kind of reaction declares, unless the default applies."""

    #: No event records its completion, so it stays pending; its row stays done, and a repeat changes nothing.
    is_done_once: ClassVar[bool] = False
    #: It waits for a free slot of the prediction limiter.
    starts_prediction: ClassVar[bool] = False
    #: It is open only while its prediction may run, and holds the slot of the start until then.
    follows_prediction: ClassVar[bool] = False


@dataclass(frozen=True)
class MoveImages(_Kind):
    """Copy the uploads under the order's prefix and verify them."""


@dataclass(frozen=True)
class RestoreImage(_Kind):
    """Start a prediction for an attempt."""

    starts_prediction = True

    image_id: ImageId
    attempt: int


@dataclass(frozen=True)
class CollectRestoration(_Kind):
    """Look up a prediction's status and fetch its output."""

    follows_prediction = True

    image_id: ImageId
    attempt: int
    prediction_id: str


@dataclass(frozen=True)
class CancelPrediction(_Kind):
    """Cancel a prediction whose output is no longer required."""

    is_done_once = True
    follows_prediction = True

    prediction_id: str


@dataclass(frozen=True)
class PrepareDownload(_Kind):
    """Stream the restored images into one archive, once per revision.

    Its first link is made with it.
    """

    edition: int = 1


@dataclass(frozen=True)
class SendEmail(_Kind):
    """Send an e-mail; a second attempt needs a recorded request."""

    email_id: EmailId
    kind: EmailKind
    attempt: int


@dataclass(frozen=True)
class IssueRefund(_Kind):
    """Request a refund from the payment provider."""

    refund_id: RefundId
    attempt: int


@dataclass(frozen=True)
class DeletePhotos(_Kind):
    """Delete every stored object of the order.

    It is repeated when the customer is erased.
    """

    is_done_once = True

    for_good: bool


Reaction = (
    MoveImages
    | RestoreImage
    | CollectRestoration
    | CancelPrediction
    | PrepareDownload
    | SendEmail
    | IssueRefund
    | DeletePhotos
)

REACTION_TYPES: tuple[type[Reaction], ...] = get_args(Reaction)

_ABOUT_MONEY = frozenset({EmailKind.REFUND, EmailKind.FAILURE})


@dataclass(frozen=True, kw_only=True)
class Due:
    """A reaction and the delay after which it becomes due."""

    reaction: Reaction
    delay: timedelta = timedelta(0)


def reaction_id_of(order_id: OrderId, reaction: Reaction) -> UUID:
    """The deterministic id of a reaction: inserting it twice is idempotent."""
    parts = (getattr(reaction, name) for name in reaction.__match_args__)
    return uuid5(order_id, ":".join((type(reaction).__name__, *map(str, parts))))


def reactions_to(before: Order, after: Order, limits: Limits) -> list[Due]:
    """The reactions that became pending between two versions, in starting order."""
    known = set(pending_reactions(before))
    return [
        Due(reaction=new, delay=_delay(new, after, limits))
        for new in pending_reactions(after)
        if new not in known
    ]


def is_still_required(reaction: Reaction, order: Order) -> bool:
    """Whether the order still requires a reaction, or requires it again."""
    if isinstance(reaction, CollectRestoration):
        # The log has no prediction whose creation got no reply; its outcome is accepted all the same.
        return order.awaits(reaction.image_id, reaction.attempt)
    if isinstance(reaction, CancelPrediction):
        # Nor one that started too late; only the prediction that the order waits for is kept.
        awaited = (image.running for image in order.images.values())
        return not order.is_restoring or all(
            attempt is None or attempt.prediction_id != reaction.prediction_id for attempt in awaited
        )
    return reaction in pending_reactions(order)


def required_reactions(order: Order) -> list[Reaction]:
    """The pending reactions without which an order cannot proceed.

    Those that are done once are not among them.
    """
    return [work for work in pending_reactions(order) if not work.is_done_once]


def pending_reactions_by_id(order: Order) -> dict[UUID, Reaction]:
    """The pending reactions, by reaction id."""
    return {reaction_id_of(order.order_id, reaction): reaction for reaction in pending_reactions(order)}


def pending_reactions(order: Order) -> list[Reaction]:
    """All reactions that the order requires now."""
    if order.state is State.ERASED:
        # The customer is erased; what the shop owes is not.
        return [*_deletions(order), *_refunds(order)]
    return [
        *_progress(order),
        *_cancellations(order),
        *_refunds(order),
        *_emails(order),
        *_deletions(order),
    ]


def _progress(order: Order) -> Iterator[Reaction]:
    if order.is_restoring:
        # A running prediction is collected even while the order is held: the provider deletes outputs after an hour.
        for image in order.images.values():
            yield from _restoration(image, may_start=not order.work_is_stopped)
    elif order.work_is_stopped or (order.is_disputed and order.state is not State.PAID):
        return
    elif order.state is State.PAID:
        yield MoveImages()
    elif _may_be_packed(order):
        yield PrepareDownload(order.archive_revision)


def _may_be_packed(order: Order) -> bool:
    is_its_turn = order.state is State.SETTLED or order.is_deliverable
    is_missing = bool(order.restored_images) and not order.has_current_archive
    return is_its_turn and is_missing and not order.photos_are_purged


def _restoration(image: Image, *, may_start: bool) -> Iterator[Reaction]:
    running = image.running
    if not image.awaits_restorer:
        return
    if running is not None and running.prediction_id is not None:
        yield CollectRestoration(image.image_id, running.number, running.prediction_id)
    elif running is None and may_start:
        yield RestoreImage(image.image_id, image.next_attempt)


def _cancellations(order: Order) -> Iterator[Reaction]:
    has_stopped = order.state in REFUND_STATES
    for image in order.images.values():
        for prediction_id in image.open_predictions if not image.awaits_restorer or has_stopped else ():
            yield CancelPrediction(prediction_id)


def _refunds(order: Order) -> Iterator[Reaction]:
    if order.is_disputed:
        return  # the provider refunds nothing that is disputed
    for refund in order.refunds.values():
        if refund.status is RefundStatus.REQUESTED:
            yield IssueRefund(refund.refund_id, refund.attempt)


def _emails(order: Order) -> Iterator[Reaction]:
    for email in order.emails.values():
        is_paused = email.kind.brings_a_link and (order.work_is_stopped or order.is_disputed)
        is_past = order.state in REFUND_STATES and email.kind not in _ABOUT_MONEY
        refund = order.refunds.get(email.refund_id) if email.refund_id else None
        # A refund is not announced after it failed, until the provider accepts it again.
        is_untrue = refund is not None and refund.status not in {RefundStatus.PENDING, RefundStatus.ISSUED}
        if email.status in {EmailStatus.DUE, EmailStatus.UNCONFIRMED} and not (
            is_paused or is_past or is_untrue
        ):
            yield SendEmail(email.email_id, email.kind, email.attempt)


def _deletions(order: Order) -> Iterator[Reaction]:
    if order.photos_are_purged:
        yield DeletePhotos(for_good=False)
    if order.state is State.ERASED:
        yield DeletePhotos(for_good=True)


def _delay(reaction: Reaction, order: Order, limits: Limits) -> timedelta:
    match reaction:
        case CollectRestoration():
            return limits.restoration_poll
        case RestoreImage(image_id=image_id):
            return backoff(order.images[image_id], limits) * _jitter(reaction_id_of(order.order_id, reaction))
        case SendEmail(email_id=email_id) if order.emails[email_id].status is EmailStatus.UNCONFIRMED:
            return limits.email_confirmation
        case SendEmail(email_id=email_id) if tries := order.emails[email_id].blocked_before:
            return limits.email_blocked_retry * (1 << (tries - 1))
        case DeletePhotos(for_good=True):
            # Erasure has deleted what was stored; this deletes what a process was storing at that moment.
            return limits.late_writing
        case _:
            return timedelta(0)


def _jitter(reaction_id: UUID) -> float:
    """A factor of 1 to 1.25, constant for each reaction.

    It spreads the retries of reactions that failed together.
    """
    return 1 + reaction_id.bytes[-1] / 1024
