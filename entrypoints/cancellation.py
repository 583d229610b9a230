"""Cancellation of work in one thread by another thread."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock


class ThreadCancellation:
    """A cancellation that any thread may request; implements the port."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_requested = False
        self._callbacks: list[Callable[[], None]] = []

    @property
    def is_requested(self) -> bool:
        """Whether cancellation was requested."""
        return self._is_requested

    def request(self) -> None:
        """Request the cancellation; idempotent."""
        with self._lock:
            self._is_requested = True
            callbacks, self._callbacks = self._callbacks, []
            for callback in callbacks:
                callback()

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call ``callback`` once canceled, at once if canceled before; see the port."""
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
