"""The threads of a worker process, a pool for each queue."""

from collections.abc import Callable, Mapping
from threading import Thread
from uuid import UUID

import dramatiq

from entrypoints.worker.actors import declare_actors
from entrypoints.worker.direct_dispatch import DirectDispatch


class ThreadPools:
    """A Dramatiq worker for each queue, and threads for direct dispatch.

    The threads of a Dramatiq worker serve all its queues. One worker per queue prevents a provider that hangs from
    occupying the threads that send e-mails and refunds.

    Args:
        brokers: by the name of the only queue that each consumes.
        perform: performs the reaction with this id.
        threads: how many reactions of a queue run concurrently.
    """

    def __init__(
        self, brokers: Mapping[str, dramatiq.Broker], perform: Callable[[str], object], threads: int
    ) -> None:
        self._direct = DirectDispatch(perform, brokers, threads)
        self._workers = [_worker(broker, perform, threads) for broker in brokers.values()]

    def start(self) -> None:
        """Consume the queues."""
        for worker in self._workers:
            worker.start()

    def submit(self, queue_name: str, reaction_id: UUID) -> None:
        """Run a reaction that Redis does not accept; see DirectDispatch."""
        self._direct.submit(queue_name, reaction_id)

    def drain(self, timeout_seconds: int) -> None:
        """Finish running reactions; all pools concurrently, so the timeout applies once."""
        stoppers = [
            Thread(target=worker.stop, kwargs={"timeout": timeout_seconds * 1000}, name="drain")
            for worker in self._workers
        ]
        for stopper in stoppers:
            stopper.start()
        self._direct.stop(timeout_seconds)
        for stopper in stoppers:
            stopper.join()


def _worker(broker: dramatiq.Broker, perform: Callable[[str], object], threads: int) -> dramatiq.Worker:
    declare_actors(broker, perform)
    return dramatiq.Worker(broker, worker_threads=threads)
