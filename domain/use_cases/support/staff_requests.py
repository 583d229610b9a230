"""Requests of staff: who asks, why, and what came of it."""

from dataclasses import dataclass

from domain.order import events as e
from domain.order.order import Order
from domain.order.values import NoteId, OrderId
from domain.ports.clock import Clock
from domain.ports.ids import Ids
from domain.ports.notes import Note
from domain.ports.unit_of_work import HasEventStore
from domain.signed_tokens import sha256_of


@dataclass(frozen=True, kw_only=True)
class StaffRequest:
    """Who asks for something, and why; what is asked for again under the same ``key`` is done once."""

    actor: str
    reason: str
    key: str | None = None

    def cause_key(self, action: str, ids: Ids) -> str:
        """What the step is recorded under; of the key only its fingerprint, for people may write anything into it."""
        return f"desk:{action}:{sha256_of(self.key) if self.key is not None else ids.new()}"


@dataclass(frozen=True, kw_only=True)
class ActionResult:
    """What came of a person's wish: the order after it, and what went on record."""

    order: Order
    events: tuple[e.RecordedEvent, ...]  # none if it had been done before, under the same key


def was_done(repositories: HasEventStore, order_id: OrderId, key: str) -> bool:
    """Whether a cause with this key is on record in the order's stream."""
    return any(each.cause_key.startswith(f"{key}#") for each in repositories.event_store.history(order_id))


def note_of(order_id: OrderId, by: StaffRequest, ids: Ids, clock: Clock) -> Note:
    """A person's reason as a note about an order."""
    return Note(
        note_id=NoteId(ids.new()),
        order_id=order_id,
        actor=by.actor,
        text=by.reason,
        written_at=clock.now(),
    )
