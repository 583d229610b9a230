"""One worker process: Dramatiq's threads, the sweeper and periodic tasks."""

import json
import signal
import sys
from contextlib import closing
from threading import Event

import structlog

from entrypoints.bootstrap.adapters import open_container, queue_from
from entrypoints.bootstrap.backups import open_log_shipping, open_scheduled_backups
from entrypoints.bootstrap.garbage_collection import exempt_startup_objects
from entrypoints.bootstrap.monitoring import metrics_served, monitoring_from
from entrypoints.logging_config import configure_logs
from entrypoints.settings import Settings
from entrypoints.worker.actors import Performer
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
from entrypoints.worker.thread_exhaustion import ExhaustionWatch
from entrypoints.worker.thread_pools import ThreadPools

#: How long running reactions may take after SIGTERM; another worker repeats those that take longer.
DRAIN_SECONDS = 20

_log = structlog.get_logger(__name__)


def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, then finish running reactions.

    Raises WorkerExhaustedError if all threads of a queue hang.
    """
    configure_logs(settings.log_level)
    stopping = Event()
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
        brokers = {name: queue.broker_of(name) for name in sorted(queue.broker.get_declared_queues())}
        pools = ThreadPools(brokers, performer.perform, settings.worker_threads)
        queue.when_unavailable(pools.submit)
        exhaustion = ExhaustionWatch(leases, settings.worker_threads, stopping)
        schedule = PeriodicTasks(
            PeriodicTask(name="leases", every_seconds=settings.lease_seconds / 3, do=exhaustion.renew),
            *frequent_tasks(container, settings, stopping),
            *housekeeping_tasks(container, settings),
            *reconciliation_tasks(container.reconciliation, settings),
            *backup_tasks(backups, settings),
            *shipping_tasks(ship_log),
            *drill_tasks(settings),
        )
        exempt_startup_objects()
        pools.start()
        schedule.start()
        _say({"worker": "ready"})
        _log.info("worker_ready", threads=settings.worker_threads)
        stopping.wait()
        _log.info("worker_stopping")
        # Leases are renewed until the running reactions have ended.
        pools.drain(DRAIN_SECONDS)
        schedule.stop(DRAIN_SECONDS)
    exhaustion.check()


def _say(fact: dict[str, str]) -> None:
    """Report to the parent process, as a JSON line."""
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()
