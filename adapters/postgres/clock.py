"""The database's clock, which decides expiry, purges and leases.

Several machines then agree on the time, whatever their own clocks say.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from sqlalchemy import text

from adapters.circuit_breaker import CircuitBreaker
from adapters.postgres.connections import connect
from adapters.postgres.outages import PROVIDER, outages
from domain.ports.clock import Clock
from domain.ports.errors import UnavailableError

#: Seconds for which the last answer is extrapolated; a monotonic clock drifts by some milliseconds in that time.
SYNC_SECONDS = 30.0
#: Seconds before the next attempt after the database did not answer; the last answer is extrapolated meanwhile.
RETRY_SECONDS = 5.0
#: Statement time-out of a clock query.
TIMEOUT_SECONDS = 2.0
#: The largest offset of this machine's clock that is not reported; S3 and TLS tolerate far more.
MAX_OFFSET = timedelta(seconds=5)

_NOW = text("SELECT clock_timestamp()")


class ClockOffError(UnavailableError):
    """This machine's clock differs from the database's by more than MAX_OFFSET.

    Only the database's clock decides in the shop, but providers check our signatures and certificates by this one.
    """

    def __init__(self, offset: timedelta) -> None:
        self.offset = offset
        seconds = abs(offset.total_seconds())
        direction = "ahead of" if offset > timedelta(0) else "behind"
        super().__init__(
            "This machine's clock",
            f"it is {seconds:.0f} seconds {direction} the database's; have NTP set both clocks",
        )

    def __str__(self) -> str:
        """Omit the advice to retry: an operator has to act."""
        return f"{self.provider} is off: {self.detail}."


@dataclass(frozen=True)
class _Answer:
    """The database's time at one reading of the monotonic clock."""

    at: datetime
    monotonic: float


class DatabaseClock(Clock):
    """A clock that extrapolates the database's time by the monotonic clock.

    It has a connection of its own, because the time is also read in the middle of transactions.

    Args:
        database_url: where the database is.
        wall: this machine's clock; ``check`` compares it, nothing else uses it.
        monotonic: seconds since any fixed moment, unaffected by changes of the machine's clock.
    """

    def __init__(
        self,
        database_url: str,
        *,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = connect(database_url, connections=1, statement_timeout_seconds=TIMEOUT_SECONDS)
        self._breaker = CircuitBreaker(PROVIDER)
        self._wall = wall
        self._monotonic = monotonic
        self._turn = Lock()
        self._answer: _Answer | None = None
        self._ask_after = 0.0

    def now(self) -> datetime:
        """Return the database's time, UTC; raise UnavailableError if it never answered."""
        answer = self._answer
        if answer is None:
            with self._turn:
                answer = self._answer or self._ask()
        elif self._monotonic() >= self._ask_after and self._turn.acquire(blocking=False):
            # One thread asks; the others extrapolate the last answer.
            try:
                answer = self._ask()
            except UnavailableError:
                self._ask_after = self._monotonic() + RETRY_SECONDS
            finally:
                self._turn.release()
        return answer.at + timedelta(seconds=self._monotonic() - answer.monotonic)

    def check(self) -> None:
        """Raise ClockOffError, or UnavailableError if the database never answered."""
        offset = self._wall() - self.now()
        if abs(offset) > MAX_OFFSET:
            raise ClockOffError(offset)

    def close(self) -> None:
        """Close the connection."""
        self._engine.dispose()

    def _ask(self) -> _Answer:
        """Query the time, dated to the middle of the round trip."""
        with outages(self._breaker), self._engine.connect() as connection:
            asked = self._monotonic()
            at: datetime = connection.execute(_NOW).scalar_one()
            answered = self._monotonic()
        answer = _Answer(at.astimezone(UTC), (asked + answered) / 2)
        self._answer, self._ask_after = answer, answered + SYNC_SECONDS
        return answer
