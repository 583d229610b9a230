"""An order's timeline: typed entries, each with the facts it needs.

The log holds no personal data, so a timeline has none either.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.order import events as e
from domain.order.actors import VISITOR
from domain.order.evolve import apply
from domain.order.order import Order
from domain.order.states import State
from domain.use_cases.reaction_cause import attempts_in

#: A pause of this length gets an entry of its own.
NOTEWORTHY_PAUSE = timedelta(minutes=1)

#: Events that end a worker's reaction; the attempts counted in their cause belong to that reaction alone.
_DONE = (
    e.ImagesMoved,
    e.RestorationStarted,
    e.DownloadPrepared,
    e.EmailSent,
    e.RefundAccepted,
    e.RefundIssued,
)


class Pause(StrEnum):
    """What an order waited for when nothing happened for long."""

    STAFF = "staff"
    RESTORER = "restorer"
    NOTHING_KNOWN = "nothing_known"


@dataclass(frozen=True, kw_only=True)
class TimelineEntry:
    """One event between the order before it and after it.

    ``since_origin`` is the time since the event that this one follows from: the start of the attempt that ended, the
    failure before the next attempt, the request of a refund, the hold before a release.
    """

    recorded: e.RecordedEvent
    before: Order
    after: Order
    actor: str
    attempts: int  # that the worker needed, 1 for everything else
    since_previous: timedelta | None  # None for the first
    since_origin: timedelta | None
    pause: Pause | None
    is_repeated_start: bool  # of a prediction, because the answer to the first request was lost
    is_for_staff: bool = True  # for others it has neither clients nor names of staff


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """What happened to an order, and the order after it."""

    entries: tuple[TimelineEntry, ...]
    order: Order


def timeline_of(history: Iterable[e.RecordedEvent]) -> Timeline:
    """The timeline of one stream; raises ValueError for one without events."""
    builder: _TimelineBuilder | None = None
    entries = []
    for recorded in history:
        builder = builder or _TimelineBuilder(order=Order(order_id=recorded.order_id))
        entries.append(builder.add(recorded))
    if builder is None:
        raise ValueError("An order without events has no timeline: look for another order.")
    return Timeline(entries=tuple(entries), order=builder.order)


@dataclass
class _TimelineBuilder:
    """Adds events in order, with the times of earlier ones they follow."""

    order: Order  # before the next event
    previous_at: datetime | None = None
    held_at: datetime | None = None
    began_at: dict[tuple[UUID, int], datetime] = field(default_factory=dict)
    failed_at: dict[UUID, datetime] = field(default_factory=dict)
    requested_at: dict[UUID, datetime] = field(default_factory=dict)

    def add(self, recorded: e.RecordedEvent) -> TimelineEntry:
        event, at = recorded.event, recorded.recorded_at
        since = at - self.previous_at if self.previous_at else None
        origin = self._origin(event)
        attempts = attempts_in(recorded.cause) if isinstance(event, _DONE) else None
        entry = TimelineEntry(
            recorded=recorded,
            before=self.order,
            after=apply(self.order, recorded),
            # The first versions of the shop recorded whatever was served as the customer's download.
            actor=VISITOR if isinstance(event, e.ResultServed) else recorded.actor,
            attempts=attempts or 1,
            since_previous=since,
            since_origin=at - origin if origin else None,
            pause=self._pause(since),
            is_repeated_start=isinstance(event, e.RestorationStarted)
            and (event.image_id, event.attempt) in self.began_at,
        )
        self._remember(recorded)
        self.order, self.previous_at = entry.after, at
        return entry

    def _pause(self, since: timedelta | None) -> Pause | None:
        if since is None or since < NOTEWORTHY_PAUSE:
            return None
        if self.order.is_held:
            return Pause.STAFF
        return Pause.RESTORER if self.order.state is State.RESTORING else Pause.NOTHING_KNOWN

    def _origin(self, event: e.Event) -> datetime | None:
        match event:
            case e.RestorationStarted(image_id=image_id):
                return self.failed_at.get(image_id)
            case (
                e.RestorationAttemptFailed(image_id=image_id, attempt=attempt)
                | e.RestorationCompleted(image_id=image_id, attempt=attempt)
            ):
                return self.began_at.get((image_id, attempt))
            case e.RefundIssued(refund_id=refund_id):
                return self.requested_at.get(refund_id)
            case e.OrderReleased():
                return self.held_at
            case _:
                return None

    def _remember(self, recorded: e.RecordedEvent) -> None:
        at = recorded.recorded_at
        match recorded.event:
            case e.RestorationStarted(image_id=image_id, attempt=attempt):
                self.began_at.setdefault((image_id, attempt), at)
            case e.RestorationAttemptFailed(image_id=image_id):
                self.failed_at[image_id] = at
            case e.RefundRequested(refund_id=refund_id):
                self.requested_at[refund_id] = at
            case e.OrderHeld():
                self.held_at = at
            case _:
                pass  # nothing refers back to it
