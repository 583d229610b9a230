"""A timeline in English: one sentence for every event."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from adapters.localization import delivery_text, money_text, restoration_text
from adapters.localization.formats import capitalised, counted, duration_text
from adapters.localization.labels import HOLDS, actor_name
from adapters.localization.sentences import Sentences
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


def timeline_text_of(history: Iterable[e.RecordedEvent], *, is_for_staff: bool = True) -> TimelineText:
    """One stream's timeline in words; raises ValueError without events.

    For others than staff it has neither the clients of requests nor names of staff.
    """
    timeline = timeline_of(history)
    return TimelineText(
        title=_title(timeline.order),
        entries=tuple(_line(replace(entry, is_for_staff=is_for_staff)) for entry in timeline.entries),
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
        who=actor_name(entry.actor, entry),
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
    return f"{actor_name(entry.recorded.actor, entry)} let the order go on{waited}."


#: The sentences of all events.
_SENTENCES: Sentences = {
    **restoration_text.SENTENCES,
    **delivery_text.SENTENCES,
    **money_text.SENTENCES,
    e.OrderHeld: lambda event, _: f"The order was put on hold, because {HOLDS[event.reason]}.",
    e.OrderReleased: _order_released,
    e.NoteAdded: lambda _, entry: f"{actor_name(entry.recorded.actor, entry)} wrote a note about the order.",
    e.PhotosPurged: lambda *_: (
        "Originals, restored photos and archive were deleted: their retention was over."
    ),
    e.OrderErased: lambda *_: (
        "The customer's personal data and photos were erased; the figures stay for the accounts."
    ),
}
