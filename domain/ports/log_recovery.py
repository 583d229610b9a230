"""What of the log tells whether a database is the one that the shop had last."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from domain.order.values import Sha256


@dataclass(frozen=True, kw_only=True)
class NewestEvent:
    """The last event of the log, by its position."""

    event_id: UUID
    sha256: Sha256  # of its link in the chain
    position: int
    recorded_at: datetime


class LogRecovery(Protocol):
    """Questions about the whole log, and the one thing to change after a loss: the counter of order numbers."""

    def newest_event(self) -> NewestEvent | None:
        """The newest committed event; none of an empty log."""
        ...

    def has_event(self, event_id: UUID) -> bool:
        """Whether the log has this event."""
        ...

    def order_counters(self, since: date) -> Mapping[date, int]:
        """The last order number of each day since, both included, on which one was given."""
        ...

    def skip_order_numbers(self, day: date, up_to: int) -> None:
        """Never give out a number of this day again that is not above ``up_to``; 0 changes nothing."""
        ...
