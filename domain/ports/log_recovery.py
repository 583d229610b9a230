"""The port for detecting and repairing a database restored from a backup."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from domain.order.values import Sha256


@dataclass(frozen=True, kw_only=True)
class NewestEvent:
    """The newest event of the log, by position."""

    event_id: UUID
    sha256: Sha256  # the event's hash in the chain
    position: int
    recorded_at: datetime


class LogRecovery(Protocol):
    """Queries on the whole log, and the counter of order numbers.

    The counter is all that has to be changed after a loss.
    """

    def newest_event(self) -> NewestEvent | None:
        """The newest committed event; none if the log is empty."""

    def has_event(self, event_id: UUID) -> bool:
        """Whether the log has this event."""

    def order_counters(self, since: date) -> Mapping[date, int]:
        """The last order number of each day from ``since`` on.

        Days without an order number are left out.
        """

    def skip_order_numbers(self, day: date, up_to: int) -> None:
        """Allocate only order numbers above ``up_to`` on this day; 0 changes nothing."""
