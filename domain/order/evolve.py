"""``evolve`` applies an event to an order.

It never refuses: what is recorded has happened. Whether an event may be recorded is decided by ``decide``.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from typing import NamedTuple, assert_never

from domain.order import events as e
from domain.order.email import EmailStatus
from domain.order.evolve_delivery import (
    apply_email,
    apply_email_feedback,
    apply_link,
    enqueue_another_email,
    enqueue_email_once,
    enqueue_refund_report,
)
from domain.order.evolve_money import apply_dispute, apply_points, apply_refund, reopen_failed_refunds
from domain.order.evolve_restoration import apply_restoration, with_images
from domain.order.image import Image
from domain.order.lifecycle import next_state
from domain.order.order import Order
from domain.order.replacement import amend, replace
from domain.order.values import EmailKind, OrderId, Sha256

#: E-mails that are not resent after a bounce: by then others say more.
_PASSING = frozenset({EmailKind.CONFIRMATION, EmailKind.REMINDER})


class FoldedEvent(NamedTuple):
    """The part of a recorded event that an order is made of."""

    version: int
    recorded_at: datetime
    sha256: Sha256 | None
    event: e.Event


def fold(order_id: OrderId, recorded: Iterable[FoldedEvent | e.RecordedEvent]) -> Order:
    """Fold a stream, from its first event, to its order."""
    return continue_fold(Order(order_id=order_id), recorded)


def continue_fold(order: Order, recorded: Iterable[FoldedEvent | e.RecordedEvent]) -> Order:
    """Apply the events of a stream that follow an order's version."""
    return reduce(apply, recorded, order)


def apply(order: Order, recorded: FoldedEvent | e.RecordedEvent) -> Order:
    """``evolve``, plus what only the envelope holds.

    That is version, head, and when each state was first reached.
    """
    after = evolve(order, recorded.event)
    if after is order:
        after = replace(order)
    entered_at = order.entered_at
    if after.state not in entered_at:
        entered_at = {**entered_at, after.state: recorded.recorded_at}
    return amend(after, version=recorded.version, head=recorded.sha256, entered_at=entered_at)


def evolve(order: Order, event: e.Event) -> Order:
    """Apply an event: its facts first, then the lifecycle's next state."""
    informed = _apply(order, event)
    state = next_state(order.state, event, informed)
    after = informed if state is informed.state else replace(informed, state=state)
    return enqueue_refund_report(order, after, event)


def _apply(order: Order, event: e.Event) -> Order:  # noqa: PLR0911, PLR0912, C901 -- one case per group or event
    if isinstance(event, e.RestorationEvent):
        return apply_restoration(order, event)
    if isinstance(event, e.LinkEvent):
        return apply_link(order, event)
    if isinstance(event, e.EmailEvent):
        return apply_email(order, event)
    if isinstance(event, e.EmailFeedback):
        return apply_email_feedback(order, event)
    if isinstance(event, e.RefundEvent):
        return apply_refund(order, event)
    if isinstance(event, e.DisputeEvent):
        return apply_dispute(order, event)
    if isinstance(event, e.PointsEvent):
        return apply_points(order, event)
    match event:
        case e.PaymentReceived():
            return _apply_payment(order, event)
        case e.ImagesMoved():
            moved = {image.image_id: image.original for image in event.images}
            return with_images(order, (replace(order.images[i], original=moved[i]) for i in moved))
        case e.OrderHeld():
            return replace(order, hold=event.reason)
        case e.OrderReleased():
            return _reopen_what_failed(replace(order, hold=None))
        case e.PhotosPurged():
            return replace(order, photos_are_purged=True)
        case e.OrderErased() | e.NoteAdded():
            return order
        case _:
            assert_never(event)


def _apply_payment(order: Order, event: e.PaymentReceived) -> Order:
    images = (
        Image(image_id=photo.image_id, upload=photo.upload, share=photo.share) for photo in event.photos
    )
    return enqueue_email_once(with_images(replace(order, payment=event), images), EmailKind.CONFIRMATION)


def _reopen_what_failed(order: Order) -> Order:
    """Reopen failed refunds and undelivered e-mails after a release.

    Failed refunds and e-mails get a new attempt number; a bounced e-mail is replaced by another one.
    """
    emails = {
        email.email_id: replace(email, status=EmailStatus.DUE, attempt=email.attempt + 1)
        if email.status is EmailStatus.FAILED
        else email
        for email in order.emails.values()
    }
    reopened = reopen_failed_refunds(replace(order, emails=emails))
    for email in order.emails.values():
        if email.status is EmailStatus.BOUNCED and _is_worth_another(email.kind, order):
            replaced = {**reopened.emails, email.email_id: replace(email, status=EmailStatus.REPLACED)}
            has_successor = email.kind.brings_a_link and reopened.link_is_on_its_way
            reopened = replace(reopened, emails=replaced)
            if not has_successor:
                reopened = enqueue_another_email(reopened, email.kind, refund_id=email.refund_id)
    return reopened


def _is_worth_another(kind: EmailKind, order: Order) -> bool:
    """Whether a bounced e-mail is sent again.

    A reminder is, too, where no other e-mail has brought the link.
    """
    if kind.brings_a_link:
        is_missed = order.is_deliverable and order.result_is_undelivered
        return not order.photos_are_purged and (kind not in _PASSING or is_missed)
    return kind not in _PASSING
