"""A bounded pool of threads that runs all visits, step by step."""

import heapq
import itertools
import time
from collections.abc import Callable, Generator
from threading import Condition, Thread

Steps = Generator[float, None, None]

#: So many that visitors who wait for an unavailable shop do not keep all others from coming.
THREADS = 24


class VisitorThreads:
    """Runs generators that yield the seconds to wait.

    Each is advanced by one thread at a time.
    """

    def __init__(self, threads: int = THREADS) -> None:
        self._changed = Condition()
        self._due: list[tuple[float, int, Steps]] = []
        self._numbers = itertools.count()
        self._busy = 0
        self._is_closed = False
        #: Errors that no visitor's code should have raised.
        self.failures: list[Exception] = []
        self._threads = [Thread(target=self._live, name=f"visitor-{n}", daemon=True) for n in range(threads)]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def expect(self, at: float, steps: Callable[[], Steps]) -> None:
        """Schedule a visit at a time of the monotonic clock."""
        with self._changed:
            heapq.heappush(self._due, (at, next(self._numbers), steps()))
            self._changed.notify()

    @property
    def is_gone(self) -> bool:
        """Whether no visit is running or scheduled."""
        with self._changed:
            return not self._due and not self._busy

    def close(self) -> None:
        """Cancel all visits, and wait for steps that are running."""
        with self._changed:
            self._is_closed = True
            self._due.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _live(self) -> None:
        while (steps := self._next()) is not None:
            again_at: float | None = None
            try:
                again_at = time.monotonic() + next(steps)
            except StopIteration:
                pass
            except Exception as error:  # noqa: BLE001 -- a defect of the test: the run reports it as one
                self.failures.append(error)
            with self._changed:
                self._busy -= 1
                if again_at is not None and not self._is_closed:
                    heapq.heappush(self._due, (again_at, next(self._numbers), steps))
                self._changed.notify()

    def _next(self) -> Steps | None:
        """Wait for a visit whose next step is due; none once closed."""
        with self._changed:
            while not self._is_closed:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    self._busy += 1
                    self._changed.notify()  # another may be due as well
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
            return None
