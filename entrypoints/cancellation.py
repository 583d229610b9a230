"""Cancellation of work in one thread by another."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock


class ThreadCancellation:
    """A cancellation that any thread may request, see the port."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_requested = False
        self._callbacks: list[Callable[[], None]] = []

    @property
    def is_requested(self) -> bool:
        """Whether the result is no longer wanted."""
        return self._is_requested

    def request(self) -> None:
        """Ask for the work to end; repeats change nothing."""
        with self._lock:
            self._is_requested = True
            callbacks, self._callbacks = self._callbacks, []
            for callback in callbacks:
                callback()

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Have ``callback`` called by a request within the block, see the port."""
        with self._lock:
            if self._is_requested:
                callback()
            else:
                self._callbacks.append(callback)
        try:
            yield
        finally:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)
