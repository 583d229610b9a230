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

    def check(self) -> None:
        """It is the only clock there is, so it is never off."""

    def advance(self, **duration: float) -> None:
        """Let time pass: ``advance(minutes=5)``."""
        self.moment += timedelta(**duration)


class SystemClock:
    """The machine's clock, for what a provider or its twin signs by its own."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class CountingIds:
    """Gives 1, 2, 3... as UUIDs, so that a failing test names ids a person can read."""

    given: int = 0

    def new(self) -> UUID:
        self.given += 1
        return UUID(int=self.given)
