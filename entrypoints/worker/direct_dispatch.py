"""Runs reactions inside this worker while Redis takes no messages, so that orders go on without it."""

import time
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from threading import Lock, Thread
from uuid import UUID

import structlog

#: How many reactions may wait here; the sweeper offers the others again.
MAX_WAITING = 500

_log = structlog.get_logger(__name__)


class DirectDispatch:
    """A few threads for each queue, as the workers on Redis have them.

    Args:
        perform: does the reaction with this id; a repeat is harmless, because it is claimed first.
        queue_names: the queues, which must not keep each other waiting.
        threads: how many reactions of a queue run at a time.
    """

    def __init__(self, perform: Callable[[str], None], queue_names: Iterable[str], threads: int) -> None:
        self._perform = perform
        self._lock = Lock()
        self._waiting: set[UUID] = set()
        self._is_stopping = False
        self._queues: dict[str, SimpleQueue[UUID | None]] = {name: SimpleQueue() for name in queue_names}
        self._threads = [
            Thread(target=self._run, args=(queue,), name=f"direct-{name}", daemon=True)
            for name, queue in self._queues.items()
            for _ in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, queue_name: str, reaction_id: UUID) -> None:
        """Run a reaction as soon as a thread is free; one that waits already, or is one too many, is left out."""
        with self._lock:
            if reaction_id in self._waiting or len(self._waiting) >= MAX_WAITING:
                return
            self._waiting.add(reaction_id)
        self._queues[queue_name].put(reaction_id)

    def stop(self, timeout_seconds: float) -> None:
        """Let the work in hand end, for so long at most, and leave what waits to other workers."""
        deadline = time.monotonic() + timeout_seconds
        self._is_stopping = True
        for queue in self._queues.values():
            for _ in self._threads:
                queue.put(None)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, queue: "SimpleQueue[UUID | None]") -> None:
        while (reaction_id := queue.get()) is not None and not self._is_stopping:
            with self._lock:
                self._waiting.discard(reaction_id)
            try:
                self._perform(str(reaction_id))
            except Exception:  # noqa: BLE001 -- it is postponed or its lease ends: the sweeper offers it again
                _log.exception("reaction_failed", reaction_id=str(reaction_id))
