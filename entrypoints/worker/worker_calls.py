"""Work on request, in bounded pieces, without a worker process.

Hosts that run no process all the time have a scheduler call it over HTTP. Leases and rounds are those of the workers,
so calls and workers may run at the same time.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from itertools import chain, islice
from threading import Lock, Thread

import structlog

from domain.ports.errors import DatabaseBehindError, UnavailableError
from domain.use_cases.reaction_handlers import Queue, spec_of
from domain.use_cases.reconciliation.findings import Report
from entrypoints.bootstrap.container import Container
from entrypoints.bootstrap.wording import error_text
from entrypoints.settings import Settings
from entrypoints.worker.actors import Performer
from entrypoints.worker.lease_renewal import LeaseRenewal
from entrypoints.worker.log_head import write_to_owner
from entrypoints.worker.periodic_tasks import PeriodicTask, PeriodicTasks
from entrypoints.worker.scheduled_reconciliation import compare_if_due
from entrypoints.worker.scheduled_tasks import housekeeping_tasks, warn_of_clock

#: How long after its time a call may still wait for what it has begun, before it answers.
GRACE_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class Worker(StrEnum):
    """The kinds of work that can be requested."""

    RESTORATION = "restoration"
    EMAIL = "email"
    CLEANUP = "cleanup"
    SWEEPER = "sweeper"
    RECONCILE = "reconcile"


#: The queues whose due reactions each of them performs.
QUEUES: Mapping[Worker, Collection[Queue]] = {
    Worker.RESTORATION: (Queue.STORAGE, Queue.RESTORATION),
    Worker.EMAIL: (Queue.EMAIL,),
    Worker.SWEEPER: tuple(Queue),
}


class WorkerBusyError(Exception):
    """An earlier call of the worker is still at work here."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        super().__init__(f"An earlier call of {worker} is still at work here: call again later.")


@dataclass(kw_only=True)
class CallReport:
    """What one call has done so far.

    ``performed`` counts reactions by kind, ``failed`` those that ended with a defect; ``tasks`` has the result of each
    task, the number of things that it changed, or why it failed. ``is_more`` is set if the limits ended the work.
    """

    performed: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    tasks: dict[str, int | str | None] = field(default_factory=dict)
    reconciliation: Report | None = None
    is_more: bool = False
    is_finished: bool = False
    error: Exception | None = None


@dataclass(frozen=True, kw_only=True)
class _Limits:
    """When a call ends: after so many reactions, or at a moment."""

    reactions: int
    ends_at: float

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.ends_at


class WorkerCalls:
    """Does a worker's work in calls, one of each kind at once."""

    def __init__(self, container: Container, settings: Settings) -> None:
        self._container = container
        self._lease_seconds = settings.lease_seconds
        self._housekeeping = housekeeping_tasks(container, settings)
        self._reconcile_interval = timedelta(hours=settings.reconcile_interval_hours)
        self._leases = LeaseRenewal(container.reaction_runner)
        self._locks = {worker: Lock() for worker in Worker}
        self._next_task = 0
        self._work: Mapping[Worker, Callable[[CallReport, _Limits], None]] = {
            Worker.RESTORATION: lambda report, limits: self._perform(
                QUEUES[Worker.RESTORATION], report, limits
            ),
            Worker.EMAIL: lambda report, limits: self._perform(QUEUES[Worker.EMAIL], report, limits),
            Worker.CLEANUP: self._clean_up,
            Worker.SWEEPER: self._sweep,
            Worker.RECONCILE: self._reconcile,
        }

    @property
    def shop(self) -> str:
        """The public name of the newest key that signs links."""
        return self._container.ports.token_signer.shop_names()[0]

    def call(self, worker: Worker, *, reactions: int, seconds: float) -> CallReport:
        """Work for at most ``seconds``; return what was done.

        What is being done then is finished in the background: the report says so after GRACE_SECONDS. Raises
        WorkerBusyError, DatabaseBehindError, or what ended the work.
        """
        lock = self._locks[worker]
        if not lock.acquire(blocking=False):
            raise WorkerBusyError(worker)
        report = CallReport()
        limits = _Limits(reactions=reactions, ends_at=time.monotonic() + seconds)

        def work() -> None:
            try:
                self._container.log_heads.check()
                self._work[worker](report, limits)
            except DatabaseBehindError as error:
                report.error = error
                _log.warning("worker_call_failed", worker=worker, error=type(error).__name__)
                write_to_owner(self._container.owner_letters)
            except Exception as error:  # noqa: BLE001 -- raised below, or logged once nothing waits for it
                report.error = error
                _log.warning("worker_call_failed", worker=worker, error=type(error).__name__)
            finally:
                report.is_finished = True
                lock.release()

        # A daemon, like the threads of a worker process: what it holds at the end of the process is claimed again.
        thread = Thread(target=work, name=f"call-{worker}", daemon=True)
        thread.start()
        thread.join(seconds + GRACE_SECONDS)
        if report.error is not None:
            raise report.error
        return report

    def _perform(self, queues: Collection[Queue], report: CallReport, limits: _Limits) -> None:
        """Perform due reactions and what follows from them, within the limits."""
        performer = Performer(
            self._container.reaction_runner,
            self._leases,
            queue_of=lambda reaction: spec_of(reaction).queue.value,
            threads=1,
            is_stopping=lambda: limits.is_over,
        )
        tried = set()
        with self._renewing():
            while due := [
                each
                for each in self._container.reaction_runner.due(queues, limits.reactions)
                if each not in tried
            ]:
                for reaction_id in due:
                    if limits.is_over or report.performed.total() >= limits.reactions:
                        report.is_more = True
                        return
                    tried.add(reaction_id)
                    try:
                        kinds = performer.perform(str(reaction_id))
                    except UnavailableError:
                        raise  # the database: nothing else could be recorded either
                    except Exception:  # noqa: BLE001 -- it is postponed or its lease expires, as in a worker
                        _log.exception("reaction_failed", reaction_id=str(reaction_id))
                        report.failed += 1
                    else:
                        report.performed.update(kind.__name__ for kind in kinds)

    def _sweep(self, report: CallReport, limits: _Limits) -> None:
        """Wake the workers for due reactions, and perform what is due here."""
        report.tasks["resent"] = self._container.reaction_runner.resend_due()
        self._container.log_heads.write()
        warn_of_clock(self._container.ports.clock.check)
        _run("owner_letters", self._container.owner_letters.send_due, report)
        self._perform(QUEUES[Worker.SWEEPER], report, limits)

    def _clean_up(self, report: CallReport, limits: _Limits) -> None:
        """Run each periodic task once, from where the last call ended."""
        order = chain(self._housekeeping[self._next_task :], self._housekeeping[: self._next_task])
        for task in islice(order, len(self._housekeeping)):
            if limits.is_over:
                report.is_more = True
                return
            self._next_task = (self._next_task + 1) % len(self._housekeeping)
            _run(task.name, task.do, report)

    def _reconcile(self, report: CallReport, limits: _Limits) -> None:
        """Reconcile if due; the next call continues with missing sides."""
        report.reconciliation = compare_if_due(
            self._container.reconciliation, self._reconcile_interval, lambda: limits.is_over
        )
        report.is_more = report.reconciliation is not None and bool(report.reconciliation.late)

    @contextmanager
    def _renewing(self) -> Iterator[None]:
        """Renew the leases of what is being performed."""
        renewal = PeriodicTasks(
            PeriodicTask(name="leases", every_seconds=self._lease_seconds / 3, do=self._leases.renew)
        )
        renewal.start()
        try:
            yield
        finally:
            renewal.stop(0)


def _run(name: str, do: Callable[[], object], report: CallReport) -> None:
    """Run a task, and report its result."""
    try:
        done = do()
    except UnavailableError as error:
        _log.warning("periodic_task_postponed", task=name, problem=error_text(error))
        report.tasks[name] = f"failed: {type(error).__name__}"
    except Exception as error:  # noqa: BLE001 -- as in a worker: the next run is the retry
        _log.exception("periodic_task_failed", task=name)
        report.tasks[name] = f"failed: {type(error).__name__}"
    else:
        report.tasks[name] = done if isinstance(done, int) else None
