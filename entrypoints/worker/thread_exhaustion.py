"""Detection of queues whose threads all hang."""

from collections.abc import Mapping, Sequence
from threading import Event

from entrypoints.command_errors import CommandFailedError
from entrypoints.worker.lease_renewal import LeaseRenewal


class WorkerExhaustedError(CommandFailedError):
    """Every thread of a queue waits for a call that never returns.

    Only a new process has free threads.
    """

    def __init__(self, queues: Sequence[str]) -> None:
        self.queues = tuple(queues)
        super().__init__(
            f"Every thread for {', '.join(queues)} waits for a call that never returned: start the worker again, "
            "and look at the log's `call_never_returned` lines for what hangs."
        )


class ExhaustionWatch:
    """Stops a process in which all threads of a queue hang.

    Args:
        leases: knows which threads hang, once it has renewed the leases.
        threads: how many each queue has.
        stopping: is set to stop the process.
    """

    def __init__(self, leases: LeaseRenewal, threads: int, stopping: Event) -> None:
        self._leases = leases
        self._threads = threads
        self._stopping = stopping
        self._exhausted: set[str] = set()

    def renew(self) -> None:
        """Renew the leases; stop the process if a queue is exhausted."""
        self._leases.renew()
        self._exhausted.update(exhausted_queues(self._leases.hanging(), self._threads))
        if self._exhausted:
            self._stopping.set()

    def check(self) -> None:
        """Raise WorkerExhaustedError if a queue was exhausted."""
        if self._exhausted:
            raise WorkerExhaustedError(sorted(self._exhausted))


def exhausted_queues(hanging: Mapping[str, int], threads: int) -> list[str]:
    """The queues whose threads all hang."""
    return [queue_name for queue_name, count in hanging.items() if count >= threads]
