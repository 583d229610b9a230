"""One worker process: Dramatiq's threads, the sweeper and periodic tasks."""

import json
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from threading import Event, Thread

import dramatiq
import structlog

from entrypoints.bootstrap.adapters import open_container, queue_from
from entrypoints.bootstrap.backups import open_log_shipping, open_scheduled_backups
from entrypoints.bootstrap.garbage_collection import exempt_startup_objects
from entrypoints.bootstrap.monitoring import metrics_served, monitoring_from
from entrypoints.command_errors import CommandFailedError
from entrypoints.logging_config import configure_logs
from entrypoints.settings import Settings
from entrypoints.worker.actors import Performer, declare_actors
from entrypoints.worker.direct_dispatch import DirectDispatch
from entrypoints.worker.lease_renewal import LeaseRenewal
from entrypoints.worker.log_head import wait_until_current
from entrypoints.worker.periodic_tasks import PeriodicTask, PeriodicTasks
from entrypoints.worker.scheduled_tasks import (
    backup_tasks,
    drill_tasks,
    frequent_tasks,
    housekeeping_tasks,
    reconciliation_tasks,
    shipping_tasks,
)

#: How long running reactions may take after SIGTERM; another worker repeats those that take longer.
DRAIN_SECONDS = 20

_log = structlog.get_logger(__name__)


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


def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, then finish running reactions.

    Raises WorkerExhaustedError if all threads of a queue hang.
    """
    configure_logs(settings.log_level)
    stopping = Event()
    exhausted: list[str] = []
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stopping.set())
    queue = queue_from(settings)
    with (
        closing(monitoring_from(settings, "worker")) as monitoring,
        open_container(settings, queue, monitoring=monitoring) as container,
        metrics_served(settings, monitoring, container),
        open_scheduled_backups(settings, container.ports) as backups,
        open_log_shipping(settings, container.ports) as ship_log,
    ):
        container.ports.unit_of_work.check()
        if not wait_until_current(container.log_heads, stopping, container.owner_letters):
            return
        leases = LeaseRenewal(container.reaction_runner)
        performer = Performer(
            container.reaction_runner,
            leases,
            queue_of=queue.queue_of,
            threads=settings.worker_threads,
            is_stopping=stopping.is_set,
        )
        queue_names = sorted(queue.broker.get_declared_queues())
        direct = DirectDispatch(performer.perform, queue_names, settings.worker_threads)
        queue.when_unavailable(direct.submit)

        def renew() -> None:
            leases.renew()
            exhausted.extend(exhausted_queues(leases.hanging(), settings.worker_threads))
            if exhausted:
                stopping.set()

        schedule = PeriodicTasks(
            PeriodicTask(name="leases", every_seconds=settings.lease_seconds / 3, do=renew),
            *frequent_tasks(container, settings, stopping),
            *housekeeping_tasks(container, settings),
            *reconciliation_tasks(container.reconciliation, settings),
            *backup_tasks(backups, settings),
            *shipping_tasks(ship_log),
            *drill_tasks(settings),
        )
        # The threads of a Dramatiq worker serve all its queues. One worker per queue prevents a provider that hangs
        # from occupying the threads that send e-mails and refunds.
        workers = [
            _worker(queue.broker_of(queue_name), performer.perform, settings.worker_threads)
            for queue_name in queue_names
        ]
        exempt_startup_objects()
        for worker in workers:
            worker.start()
        schedule.start()
        _say({"worker": "ready"})
        _log.info("worker_ready", threads=settings.worker_threads)
        stopping.wait()
        _log.info("worker_stopping")
        # Leases are renewed until the running reactions have ended.
        _drain(workers, direct)
        schedule.stop(DRAIN_SECONDS)
    if exhausted:
        raise WorkerExhaustedError(sorted(set(exhausted)))


def exhausted_queues(hanging: Mapping[str, int], threads: int) -> list[str]:
    """The queues whose threads all hang."""
    return [queue_name for queue_name, count in hanging.items() if count >= threads]


def _worker(broker: dramatiq.Broker, perform: Callable[[str], object], threads: int) -> dramatiq.Worker:
    declare_actors(broker, perform)
    return dramatiq.Worker(broker, worker_threads=threads)


def _drain(workers: list[dramatiq.Worker], direct: DirectDispatch) -> None:
    """Stop all workers concurrently, so the timeout applies once."""
    stoppers = [
        Thread(target=worker.stop, kwargs={"timeout": DRAIN_SECONDS * 1000}, name="drain")
        for worker in workers
    ]
    for stopper in stoppers:
        stopper.start()
    direct.stop(DRAIN_SECONDS)
    for stopper in stoppers:
        stopper.join()


def _say(fact: dict[str, str]) -> None:
    """Report to the parent process, as a JSON line."""
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()
