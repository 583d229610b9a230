"""Dispatch of reactions within this worker while Redis accepts no messages.

Orders thus progress without Redis.
"""

import time
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from threading import Lock, Thread
from uuid import UUID

import structlog

#: How many reactions may wait here; the sweeper resends the others later.
MAX_WAITING = 500

_log = structlog.get_logger(__name__)


class DirectDispatch:
    """Threads for each queue, as many as a Dramatiq worker has.

    Args:
        perform: performs the reaction with this id; a repeat is harmless, because it is claimed first.
        queue_names: the queues, each with its own threads, so that none delays another.
        threads: how many reactions of a queue run concurrently.
    """

    def __init__(self, perform: Callable[[str], object], queue_names: Iterable[str], threads: int) -> None:
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
        """Run a reaction as soon as a thread is free.

        Ignored if it waits already, or if MAX_WAITING reactions do.
        """
        with self._lock:
            if reaction_id in self._waiting or len(self._waiting) >= MAX_WAITING:
                return
            self._waiting.add(reaction_id)
        self._queues[queue_name].put(reaction_id)

    def stop(self, timeout_seconds: float) -> None:
        """Finish running reactions within the timeout; leave waiting ones to other workers."""
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
            except Exception:  # noqa: BLE001 -- it is postponed or its lease expires: the sweeper resends it
                _log.exception("reaction_failed", reaction_id=str(reaction_id))
