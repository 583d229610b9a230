"""Sentences about payments, refunds, points and disputes."""

from datetime import timedelta

from adapters.localization.formats import counted, duration_text, in_plain_words
from adapters.localization.labels import OUTCOMES, POINTS, client_text
from adapters.localization.sentences import Sentences
from adapters.localization.status_text import photos_text
from domain.order import events as e
from domain.order.deterministic_ids import note_of_payment_by_hand
from domain.order.values import RefundReason
from domain.use_cases.audit.timeline import TimelineEntry


def _payment_received(event: e.PaymentReceived, entry: TimelineEntry) -> str:
    """What was paid, for how many photos, the quote, and the client."""
    photos = counted(len(event.photos), "photo")
    number = f"the order got number {event.order_number}"
    price = f"{event.quoted} less {event.discount}" if event.discount.amount else ""
    client = event.client if entry.is_for_staff else None
    origin = f" Its checkout was opened with {client_text(client)}." if client is not None else ""
    if event.paid.amount == 0:
        return f"The customer ordered the restoration of {photos} at no charge ({price}); {number}.{origin}"
    tax = event.tax
    if tax is not None:
        price = f"{price or event.quoted} and {tax} tax"
    due = event.quoted - event.discount
    if event.paid != (due + tax if tax is not None else due):
        price = f"{price or event.quoted} had been quoted"
    noted = f" ({price})" if price else ""
    return f"The customer's payment of {event.paid} for {photos} arrived{noted}; {number}.{origin}"


def _refund_requested(event: e.RefundRequested, entry: TimelineEntry) -> str:
    """Who resolved to pay back, and for which photos."""
    amount = entry.after.refunds[event.refund_id].amount
    match event.reason:
        case RefundReason.NOT_RESTORED:
            photos = photos_text(entry.before, event.image_ids)
            return f"The shop resolved to pay back {amount} for {photos}, which could not be restored."
        case RefundReason.REQUESTED:
            return f"A staff member asked for {amount} to be paid back."
        case RefundReason.AT_PROVIDER:
            return f"A refund of {amount} was asked for at the payment provider itself."


def _refund_accepted(event: e.RefundAccepted, entry: TimelineEntry) -> str:
    """The provider accepted a refund, which is not paid yet."""
    amount = entry.after.refunds[event.refund_id].amount
    return f"The payment provider accepted the refund of {amount}: it is on its way and not paid yet."


def _refund_issued(event: e.RefundIssued, entry: TimelineEntry) -> str:
    """A refund was paid: which way, and how long after its request."""
    since, amount = entry.since_origin, entry.after.refunds[event.refund_id].amount
    later = f", {duration_text(since)} after it was resolved" if since and since > timedelta(0) else ""
    by_hand = note_of_payment_by_hand(event.provider_refund_id) is not None
    way = ", paid another way than by the payment provider" if by_hand else ""
    is_all = entry.after.everything_is_refunded and not entry.after.ledger.is_lost_in_another_currency
    end = "; with that, the full payment was refunded" if is_all else ""
    return f"{amount} was refunded to the customer{way}{later}{end}."


def _refund_failed(event: e.RefundFailed, entry: TimelineEntry) -> str:
    """A refund failed, and why."""
    amount = entry.after.refunds[event.refund_id].amount
    return f"The refund of {amount} failed ({in_plain_words(event.reason)}): the money is still owed."


def _refund_dropped(event: e.RefundDropped, entry: TimelineEntry) -> str:
    """A refund is not owed any more."""
    amount = entry.before.refunds[event.refund_id].amount
    return f"The refund of {amount} is not owed any more: money that is returned another way takes its place."


def _points_changed(event: e.PointsEvent, _: TimelineEntry) -> str:
    """How many points were credited or debited, and why."""
    sign = "+" if isinstance(event, e.PointsCredited) else "-"
    return f"Points of a customer changed by {sign}{event.points}: {POINTS[event.reason]}."


def _dispute_opened(event: e.DisputeOpened, _: TimelineEntry) -> str:
    """A dispute, or an inquiry, which takes no money."""
    reason = in_plain_words(event.reason)
    if event.is_inquiry:
        return (
            f"The customer's bank asked about {event.amount} of the payment ({reason}): "
            "an inquiry, which takes no money and stops nothing."
        )
    return (
        f"The customer's bank disputed {event.amount} of the payment ({reason}); "
        "delivery pauses until it decides."
    )


def _dispute_closed(event: e.DisputeClosed, _: TimelineEntry) -> str:
    """How a dispute ended."""
    return OUTCOMES[event.outcome]


SENTENCES: Sentences = {
    e.PaymentReceived: _payment_received,
    e.RefundRequested: _refund_requested,
    e.RefundAccepted: _refund_accepted,
    e.RefundIssued: _refund_issued,
    e.RefundFailed: _refund_failed,
    e.RefundDropped: _refund_dropped,
    e.PointsCredited: _points_changed,
    e.PointsDebited: _points_changed,
    e.DisputeOpened: _dispute_opened,
    e.DisputeClosed: _dispute_closed,
}
