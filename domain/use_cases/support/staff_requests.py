"""Requests of staff, and their results."""

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
    """The actor and the reason of an action.

    Requests with the same ``key`` are idempotent.
    """

    actor: str
    reason: str
    key: str | None = None

    def cause_key(self, action: str, ids: Ids) -> str:
        """Return the key of the request's cause.

        It contains only a hash of ``key``, which may hold any text, personal data included.
        """
        return f"desk:{action}:{sha256_of(self.key) if self.key is not None else ids.new()}"


@dataclass(frozen=True, kw_only=True)
class ActionResult:
    """The result of a request: the changed order and the recorded events."""

    order: Order
    events: tuple[e.RecordedEvent, ...]  # none if the same key was recorded before


def was_done(repositories: HasEventStore, order_id: OrderId, key: str) -> bool:
    """Whether a cause with this key is recorded in the order's stream."""
    return any(each.cause_key.startswith(f"{key}#") for each in repositories.event_store.history(order_id))


def note_of(order_id: OrderId, by: StaffRequest, ids: Ids, clock: Clock) -> Note:
    """Return the reason as a note about an order."""
    return Note(
        note_id=NoteId(ids.new()),
        order_id=order_id,
        actor=by.actor,
        text=by.reason,
        written_at=clock.now(),
    )
