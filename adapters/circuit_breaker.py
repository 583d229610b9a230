"""A circuit breaker: after a call that got no answer, the next ones fail at once instead of waiting too.

It is our own because `pybreaker` runs all calls one after another under one lock, and neither `purgatory` nor
`circuitbreaker` limits the probes to one or can be shared by threads.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from domain.ports.errors import NoAnswerError, UnavailableError

#: How long calls fail at once after one got no answer; then a single call tries whether the other side answers again.
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
        self._is_probing = False

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Let a call through and learn from its end; raises UnavailableError while the breaker is open."""
        is_probe = self._admit()
        try:
            yield
        except NoAnswerError as error:
            self._settle(is_probe=is_probe, is_silent=error.provider == self._provider)
            raise
        except BaseException:
            self._settle(is_probe=is_probe, is_silent=False)
            raise
        else:
            self._settle(is_probe=is_probe, is_silent=False)

    def _admit(self) -> bool:
        """Whether this call is the probe; raises UnavailableError for a call that has to wait for one."""
        with self._lock:
            if self._open_until is None:
                return False
            wait = self._open_until - self._monotonic()
            if wait > 0 or self._is_probing:
                raise UnavailableError(
                    self._provider, "it does not answer", retry_after_seconds=max(wait, 1.0)
                )
            self._is_probing = True
            return True

    def _settle(self, *, is_probe: bool, is_silent: bool) -> None:
        """Open after silence; close after an answer to the probe. Other calls that were under way prove nothing."""
        with self._lock:
            if is_silent:
                self._open_until = self._monotonic() + self._pause_seconds
            elif is_probe:
                self._open_until = None
            if is_probe:
                self._is_probing = False
