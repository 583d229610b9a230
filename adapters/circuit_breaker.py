"""A circuit breaker: after a call that got no answer, the next ones fail at once instead of waiting too.

It is our own because `pybreaker` runs all calls one after another under one lock, and neither `purgatory` nor
`circuitbreaker` limits the probes to one or can be shared by threads.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from domain.ports.errors import NoAnswerError, UnavailableError

#: How long calls fail at once after one got no answer; then one call, a probe, tries
#: whether the other side answers again, and so on every so many seconds.
PAUSE_SECONDS = 5.0


class CircuitBreaker:
    """Guards the calls to one dependency; safe for threads.

    Only NoAnswerError opens it: any other failure comes at once and costs nobody time.

    Args:
        provider: what the dependency is called in errors.
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
        """Let a call through and learn from its end; raises UnavailableError while the breaker is open."""
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
        """Whether this call is a probe; raises UnavailableError for a call that comes between two of them."""
        with self._lock:
            if self._open_until is None:
                return False
            now = self._monotonic()
            wait = self._open_until - now
            if wait > 0:
                raise UnavailableError(self._provider, "it does not answer", retry_after_seconds=wait)
            self._open_until = now + self._pause_seconds  # until this probe ends, or is as silent as that
            return True

    def _open(self) -> None:
        with self._lock:
            self._open_until = self._monotonic() + self._pause_seconds

    def _close(self, *, is_probe: bool) -> None:
        """Close after the answer to a probe; calls that were under way before the silence prove nothing."""
        if is_probe:
            with self._lock:
                self._open_until = None
