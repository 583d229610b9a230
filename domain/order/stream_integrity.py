"""Check that a stream can be folded.

Its versions have no gap, each move is legal, and each event refers to something that an earlier one introduced.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.order.events import RecordedEvent
from domain.order.evolve import apply
from domain.order.lifecycle import may_be_on_record
from domain.order.order import Order
from domain.order.values import OrderId


@dataclass(frozen=True, kw_only=True)
class StreamBreak:
    """The first event that does not follow; ``why`` ends a sentence."""

    recorded: RecordedEvent
    why: str

    def __str__(self) -> str:
        name, version = type(self.recorded.event).__name__, self.recorded.version
        return f"The stream cannot be followed past {name}, version {version}: {self.why}."


def followed(order_id: OrderId, stream: Sequence[RecordedEvent]) -> Order | StreamBreak:
    """Fold a stream, or return where it breaks."""
    order = Order(order_id=order_id)
    for version, recorded in enumerate(stream, start=1):
        if recorded.version != version:
            return StreamBreak(recorded=recorded, why=f"version {version} is missing before it")
        if not may_be_on_record(order.state, type(recorded.event)):
            return StreamBreak(recorded=recorded, why=f"an order that is {order.state} cannot take it")
        try:
            order = apply(order, recorded)
        except LookupError:
            why = "it is about something that the events before it do not know"
            return StreamBreak(recorded=recorded, why=why)
    return order
