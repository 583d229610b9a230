"""Check that a stream can be folded.

Its versions have no gap, each move is legal, and each event refers to something that an earlier one introduced.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.order.events import RecordedEvent
from domain.order.evolve import apply
from domain.order.lifecycle import may_be_on_record
from domain.order.order import Order
from domain.order.values import OrderId


class BreakReason(StrEnum):
    """Why an event does not follow from those before it."""

    VERSION_MISSING = "version_missing"
    ILLEGAL_MOVE = "illegal_move"
    UNKNOWN_SUBJECT = "unknown_subject"


@dataclass(frozen=True, kw_only=True)
class StreamBreak:
    """The first event that does not follow from those before it.

    ``before`` is the order to which those fold.
    """

    recorded: RecordedEvent
    why: BreakReason
    before: Order


def followed(order_id: OrderId, stream: Sequence[RecordedEvent]) -> Order | StreamBreak:
    """Fold a stream, or return where it breaks."""
    order = Order(order_id=order_id)
    for version, recorded in enumerate(stream, start=1):
        if recorded.version != version:
            return StreamBreak(recorded=recorded, why=BreakReason.VERSION_MISSING, before=order)
        if not may_be_on_record(order.state, type(recorded.event)):
            return StreamBreak(recorded=recorded, why=BreakReason.ILLEGAL_MOVE, before=order)
        try:
            order = apply(order, recorded)
        except LookupError:
            return StreamBreak(recorded=recorded, why=BreakReason.UNKNOWN_SUBJECT, before=order)
    return order
