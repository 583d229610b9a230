"""What people read in the archive of a data export."""

from collections.abc import Sequence
from typing import Protocol

from domain.order.events import RecordedEvent


class ExportText(Protocol):
    """The texts of the archive."""

    def readme(self) -> str:
        """What the archive holds, file by file."""

    def incomplete(self, detail: str) -> str:
        """Why an order's history is missing, and how the shop mends it."""

    def timeline(self, history: Sequence[RecordedEvent]) -> str:
        """An order's timeline, one line an event."""
