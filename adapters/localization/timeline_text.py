"""A timeline in English: one sentence for every event."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from adapters.localization import delivery_text, money_text, restoration_text
from adapters.localization.formats import capitalised, counted, date_text, duration_text
from adapters.localization.labels import HOLDS, MAILS, actor_name
from adapters.localization.status_text import status_of
from domain.order import events as e
from domain.order.order import Order
from domain.use_cases.audit.timeline import Pause, TimelineEntry, timeline_of


@dataclass(frozen=True, kw_only=True)
class TimelineLine:
    """One event in words, and the long pause before it."""

    recorded: e.RecordedEvent
    since_previous: timedelta | None  # None for the first
    who: str
    text: str
    pause: str | None


@dataclass(frozen=True, kw_only=True)
class TimelineText:
    """A timeline in words, with the order's status at its end."""

    title: str
    entries: tuple[TimelineLine, ...]
    ending: str


def timeline_text_of(history: Iterable[e.RecordedEvent]) -> TimelineText:
    """One stream's timeline in words; raises ValueError without events."""
    timeline = timeline_of(history)
    return TimelineText(
        title=_title(timeline.order),
        entries=tuple(map(_line, timeline.entries)),
        ending=status_of(timeline.order),
    )


def _title(order: Order) -> str:
    payment = order.payment
    if payment is None:
        return f"Order {order.order_id}"
    photos = counted(len(order.images), "photo")
    return f"Order {payment.order_number}: {photos}, {payment.paid} paid"


def _line(entry: TimelineEntry) -> TimelineLine:
    event = entry.recorded.event
    text = capitalised(_SENTENCES[type(event)](event, entry))
    if entry.attempts > 1:
        text += f" It took {entry.attempts} tries."
    return TimelineLine(
        recorded=entry.recorded,
        since_previous=entry.since_previous,
        who=actor_name(entry.actor),
        text=text,
        pause=_pause(entry),
    )


def _pause(entry: TimelineEntry) -> str | None:
    if entry.pause is None or entry.since_previous is None:
        return None
    span = duration_text(entry.since_previous)
    return {
        Pause.STAFF: f"For {span} the order waited for a person.",
        Pause.RESTORER: f"For {span} nothing new came from the restorer.",
        Pause.NOTHING_KNOWN: f"Nothing happened for {span}.",
    }[entry.pause]


def _order_released(_: e.OrderReleased, entry: TimelineEntry) -> str:
    waited = f" after {duration_text(entry.since_origin)} on hold" if entry.since_origin is not None else ""
    return f"{actor_name(entry.recorded.actor)} let the order go on{waited}."


#: A sentence for each type of event; its first letter need not be a capital.
_SENTENCES: Mapping[type[e.Event], Callable[[Any, TimelineEntry], str]] = {
    e.PaymentReceived: money_text.payment_received,
    e.ImagesMoved: restoration_text.images_moved,
    e.RestorationStarted: restoration_text.restoration_started,
    e.RestorationAttemptFailed: restoration_text.attempt_failed,
    e.SmallResultStored: restoration_text.small_result_stored,
    e.RestorationCompleted: restoration_text.restoration_completed,
    e.RestorationFailed: restoration_text.restoration_failed,
    e.RedoRequested: restoration_text.redo_requested,
    e.RedoFailed: restoration_text.redo_failed,
    e.DownloadPrepared: delivery_text.download_prepared,
    e.DownloadLinkIssued: lambda event, _: (
        f"A new download link was made; it is good until {date_text(event.expires_at)}."
    ),
    e.DownloadLinkRevoked: lambda *_: "A download link was revoked: it opens nothing any more.",
    e.EmailRequested: lambda event, _: f"{MAILS[event.kind]} is to be sent beside those before.",
    e.EmailSent: delivery_text.email_sent,
    e.EmailUnconfirmed: delivery_text.email_unconfirmed,
    e.EmailFailed: lambda event, _: f"{MAILS[event.kind]} could not be sent: {event.reason.rstrip('.')}.",
    e.EmailBounced: delivery_text.email_bounced,
    e.EmailDeferred: delivery_text.email_deferred,
    e.EmailBlocked: delivery_text.email_blocked,
    e.EmailOptedOut: delivery_text.email_opted_out,
    e.ResultServed: delivery_text.result_served,
    e.ResultDownloaded: delivery_text.result_downloaded,
    e.RefundRequested: money_text.refund_requested,
    e.RefundAccepted: money_text.refund_accepted,
    e.RefundIssued: money_text.refund_issued,
    e.RefundFailed: money_text.refund_failed,
    e.RefundDropped: money_text.refund_dropped,
    e.PointsCredited: money_text.points_changed,
    e.PointsDebited: money_text.points_changed,
    e.DisputeOpened: money_text.dispute_opened,
    e.DisputeClosed: money_text.dispute_closed,
    e.OrderHeld: lambda event, _: f"The order was put on hold, because {HOLDS[event.reason]}.",
    e.OrderReleased: _order_released,
    e.NoteAdded: lambda _, entry: f"{actor_name(entry.recorded.actor)} wrote a note about the order.",
    e.PhotosPurged: lambda *_: (
        "Originals, restored photos and archive were deleted: their retention was over."
    ),
    e.OrderErased: lambda *_: (
        "The customer's personal data and photos were erased; the figures stay for the accounts."
    ),
}
