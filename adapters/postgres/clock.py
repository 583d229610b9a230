"""The database's clock, so that no machine's own clock decides what expires, is purged or is claimed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from sqlalchemy import text

from adapters.circuit_breaker import CircuitBreaker
from adapters.postgres.connections import PROVIDER, connect, outages
from domain.ports.clock import Clock
from domain.ports.errors import UnavailableError

#: How long the last answer of the database is carried forward: quartz drifts by some milliseconds in that time.
SYNC_SECONDS = 30.0
#: How long to wait after the database did not answer; meanwhile the last answer is carried on.
RETRY_SECONDS = 5.0
#: A look at the time that takes longer than this is given up.
TIMEOUT_SECONDS = 2.0
#: By how much this machine's clock may be off before that is reported: what S3 and TLS take is far more.
MAX_OFFSET = timedelta(seconds=5)

_NOW = text("SELECT clock_timestamp()")


class ClockOffError(UnavailableError):
    """This machine's clock is not the database's; only the database's decides, but others judge us by ours."""

    def __init__(self, offset: timedelta) -> None:
        self.offset = offset
        seconds = abs(offset.total_seconds())
        direction = "ahead of" if offset > timedelta(0) else "behind"
        super().__init__(
            "This machine's clock",
            f"it is {seconds:.0f} seconds {direction} the database's; have NTP set both clocks",
        )

    def __str__(self) -> str:
        """The operator has to act: trying again does not help."""
        return f"{self.provider} is off: {self.detail}."


@dataclass(frozen=True)
class _Answer:
    """The database's time, and when it was that by this process's monotonic clock."""

    at: datetime
    monotonic: float


class DatabaseClock(Clock):
    """Asks the database for the time now and then, and adds what has passed since by the monotonic clock.

    It has a connection of its own: the time is asked for in the middle of transactions, too.

    Args:
        database_url: where the database is.
        wall: this machine's clock; it is only compared, and decides nothing.
        monotonic: seconds since any fixed moment, which no change of the machine's clock affects.
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
        """The database's time, UTC; raises UnavailableError only if it never answered."""
        answer = self._answer
        if answer is None:
            with self._turn:
                answer = self._answer or self._ask()
        elif self._monotonic() >= self._ask_after and self._turn.acquire(blocking=False):
            # One thread asks; the others go on with what is known.
            try:
                answer = self._ask()
            except UnavailableError:
                self._ask_after = self._monotonic() + RETRY_SECONDS
            finally:
                self._turn.release()
        return answer.at + timedelta(seconds=self._monotonic() - answer.monotonic)

    def check(self) -> None:
        """Raise ClockOffError if this machine's clock is off, and UnavailableError if nothing is known."""
        offset = self._wall() - self.now()
        if abs(offset) > MAX_OFFSET:
            raise ClockOffError(offset)

    def close(self) -> None:
        """Give the connection back."""
        self._engine.dispose()

    def _ask(self) -> _Answer:
        """Ask the database; its answer is of some moment between question and answer, taken as the middle."""
        with outages(self._breaker), self._engine.connect() as connection:
            asked = self._monotonic()
            at: datetime = connection.execute(_NOW).scalar_one()
            answered = self._monotonic()
        answer = _Answer(at.astimezone(UTC), (asked + answered) / 2)
        self._answer, self._ask_after = answer, answered + SYNC_SECONDS
        return answer
