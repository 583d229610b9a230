"""A cache whose values are refreshed in the background.

For values that take long to read: those who ask get the last one at once.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

from domain.ports.errors import UnavailableError

#: How long the first caller waits for the first value.
FIRST_SECONDS = 2.0

#: How old a value may become, in lifetimes, while it cannot be refreshed.
MOST_LIFETIMES = 10

T = TypeVar("T")


class BackgroundCache(Generic[T]):
    """The last value of a function, refreshed when it is old."""

    def __init__(self, read: Callable[[datetime], T], lifetime: timedelta) -> None:
        self._read = read
        self._lifetime = lifetime
        self._lock = Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="refresh")
        self._value: tuple[datetime, T] | None = None
        self._refresh: Future[None] | None = None

    def get(self, now: datetime) -> T:
        """Return the last value; refresh it if it is old.

        Raises UnavailableError while there is none.
        """
        with self._lock:
            is_fresh = self._value is not None and timedelta() <= now - self._value[0] < self._lifetime
            if not is_fresh and (self._refresh is None or self._refresh.done()):
                self._refresh = self._thread.submit(self._update, now)
            value, refresh = self._value, self._refresh
        if value is None and refresh is not None:
            try:
                refresh.result(FIRST_SECONDS)
            except FutureTimeoutError:
                raise UnavailableError("The first figure", "it is still being read") from None
            value = self._value
        if value is None:
            raise UnavailableError("The first figure", "it could not be read")
        if now - value[0] > MOST_LIFETIMES * self._lifetime:
            raise UnavailableError("Figures", "they have not been readable for long")
        return value[1]

    def close(self) -> None:
        """End the thread, without waiting for what it reads."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _update(self, now: datetime) -> None:
        self._value = (now, self._read(now))
