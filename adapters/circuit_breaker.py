"""A circuit breaker: calls fail fast after one got no answer.

It is our own because `pybreaker` serializes all calls under one lock, and neither `purgatory` nor `circuitbreaker`
limits the probes to one or can be shared by threads.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from domain.ports.errors import NoAnswerError, UnavailableError

#: Seconds for which calls fail fast after one got no answer; then one call is let through as a probe.
PAUSE_SECONDS = 5.0


class CircuitBreaker:
    """Guard the calls to one dependency; thread-safe.

    Only NoAnswerError opens it: other failures are fast already.

    Args:
        provider: the dependency's name in errors.
        pause_seconds: how long it stays open before a probe is let through.
        monotonic: the clock, in seconds.
    """

    def __init__(
        self,
        provider: str,
        *,
        pause_seconds: float = PAUSE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._provider = provider
        self._pause_seconds = pause_seconds
        self._monotonic = monotonic
        self._lock = Lock()
        self._open_until: float | None = None

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Run a call under the breaker; raise UnavailableError while it is open."""
        is_probe = self._admit()
        try:
            yield
        except NoAnswerError as error:
            if error.provider == self._provider:
                self._open()
            raise
        except BaseException:
            self._close(is_probe=is_probe)
            raise
        else:
            self._close(is_probe=is_probe)

    def _admit(self) -> bool:
        """Return whether this call is a probe; raise UnavailableError while open."""
        with self._lock:
            if self._open_until is None:
                return False
            now = self._monotonic()
            wait = self._open_until - now
            if wait > 0:
                raise UnavailableError(self._provider, "it does not answer", retry_after_seconds=wait)
            self._open_until = now + self._pause_seconds  # until this probe ends or times out
            return True

    def _open(self) -> None:
        with self._lock:
            self._open_until = self._monotonic() + self._pause_seconds

    def _close(self, *, is_probe: bool) -> None:
        """Close after a probe was answered.

        Other calls prove nothing: they may have begun before the outage.
        """
        if is_probe:
            with self._lock:
                self._open_until = None
