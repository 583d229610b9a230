"""Time that stands still until told, and ids that count."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID


@dataclass
class StoppedClock:
    """Shows the moment it is set to."""

    moment: datetime = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def advance(self, **duration: float) -> None:
        """Let time pass: ``advance(minutes=5)``."""
        self.moment += timedelta(**duration)


@dataclass
class CountingIds:
    """Gives 1, 2, 3... as UUIDs, so that a failing test names ids a person can read."""

    given: int = 0

    def new(self) -> UUID:
        self.given += 1
        return UUID(int=self.given)
