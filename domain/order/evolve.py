"""``evolve`` applies an event to an order.

It never refuses: what is recorded has happened. Whether an event may be recorded is decided by ``decide``.

The functions that it calls, here and in the other ``evolve_*`` modules, change the draft that they are given: a copy of
an order that no caller has yet, with its own dictionary of images. A fold has one draft for all of its events.
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
from domain.order.replacement import amend, replace, with_defaults
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
    return reduce(_record, recorded, _draft_of(order))


def apply(order: Order, recorded: FoldedEvent | e.RecordedEvent) -> Order:
    """``evolve``, plus what only the envelope holds.

    That is version, head, and when each state was first reached.
    """
    return _record(_draft_of(order), recorded)


def evolve(order: Order, event: e.Event) -> Order:
    """Apply an event: its facts first, then the lifecycle's next state."""
    return _evolve(_draft_of(order), event)


def _draft_of(order: Order) -> Order:
    return replace(order, images={**order.images})


def _record(order: Order, recorded: FoldedEvent | e.RecordedEvent) -> Order:
    _evolve(order, recorded.event)
    if order.state not in order.entered_at:
        amend(order, entered_at={**order.entered_at, order.state: recorded.recorded_at})
    return amend(order, version=recorded.version, head=recorded.sha256)


def _evolve(order: Order, event: e.Event) -> Order:
    before = order.state
    _apply(order, event)
    amend(order, state=next_state(before, event, order))
    return enqueue_refund_report(before, order, event)


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
            originals = [(order.images[moved.image_id], moved.original) for moved in event.images]
            return with_images(order, [replace(image, original=original) for image, original in originals])
        case e.OrderHeld():
            return amend(order, hold=event.reason)
        case e.OrderReleased():
            return _reopen_what_failed(amend(order, hold=None))
        case e.PhotosPurged():
            return amend(order, photos_are_purged=True)
        case e.OrderErased() | e.NoteAdded():
            return order
        case _:
            assert_never(event)


def _apply_payment(order: Order, event: e.PaymentReceived) -> Order:
    images = [
        with_defaults(Image, image_id=photo.image_id, upload=photo.upload, share=photo.share)
        for photo in event.photos
    ]
    return enqueue_email_once(with_images(amend(order, payment=event), images), EmailKind.CONFIRMATION)


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
    reopen_failed_refunds(amend(order, emails=emails))
    for email in emails.values():
        if email.status is EmailStatus.BOUNCED and _is_worth_another(email.kind, order):
            replaced = {**order.emails, email.email_id: replace(email, status=EmailStatus.REPLACED)}
            has_successor = email.kind.brings_a_link and order.link_is_on_its_way
            amend(order, emails=replaced)
            if not has_successor:
                enqueue_another_email(order, email.kind, refund_id=email.refund_id)
    return order


def _is_worth_another(kind: EmailKind, order: Order) -> bool:
    """Whether a bounced e-mail is sent again.

    A reminder is, too, where no other e-mail has brought the link.
    """
    if kind.brings_a_link:
        is_missed = order.is_deliverable and order.result_is_undelivered
        return not order.photos_are_purged and (kind not in _PASSING or is_missed)
    return kind not in _PASSING
