"""A clock that moves only when set, and sequential ids."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID


@dataclass
class StoppedClock:
    """A clock that shows the moment it is set to."""

    moment: datetime = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def check(self) -> None:
        """Report nothing: there is no other clock to differ from."""

    def advance(self, **duration: float) -> None:
        """Advance the time: ``advance(minutes=5)``."""
        self.moment += timedelta(**duration)


class SystemClock:
    """The machine's clock, for signatures that a provider's twin checks."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class CountingIds:
    """Issues 1, 2, 3... as UUIDs, which are readable in failing tests."""

    given: int = 0

    def new(self) -> UUID:
        self.given += 1
        return UUID(int=self.given)
