"""Time, chance, and the picture tools: what even a shop without providers needs."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The current moment, UTC, aware."""
        ...
