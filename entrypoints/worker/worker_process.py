"""One worker process: Dramatiq's threads, the sweeper, the lease keeper and housekeeping."""

import json
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from threading import Event, Thread

import dramatiq
import structlog

from domain.ports.errors import UnavailableError
from entrypoints.bootstrap.container import Container, build
from entrypoints.command_errors import CommandFailedError
from entrypoints.logging_config import configure_logs
from entrypoints.settings import Settings
from entrypoints.worker.actors import declare_actors, performer
from entrypoints.worker.direct_dispatch import DirectDispatch
from entrypoints.worker.lease_renewal import LeaseRenewal
from entrypoints.worker.log_head import HEAD_SECONDS, keep_head, wait_until_current
from entrypoints.worker.periodic_tasks import PeriodicTask, PeriodicTasks
from entrypoints.worker.scheduled_reconciliation import compare_if_due

#: How long work in hand may take to end after SIGTERM; what takes longer is done again by another worker.
DRAIN_SECONDS = 20

#: How often this machine's clock is compared with the database's.
CLOCK_SECONDS = 60.0

#: How late the comparison of the books may be.
LONGEST_PAUSE_SECONDS = 600.0

_log = structlog.get_logger(__name__)


class WorkerExhaustedError(CommandFailedError):
    """Every thread of a queue waits for a call that never returns; only a new process has threads again."""

    def __init__(self, queues: Sequence[str]) -> None:
        self.queues = tuple(queues)
        super().__init__(
            f"Every thread for {', '.join(queues)} waits for a call that never returned: start the worker again, "
            "and look at the log's `call_never_returned` lines for what hangs."
        )


def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then let the work in hand come to its end."""
    configure_logs(settings.log_level)
    stopping = Event()
    exhausted: list[str] = []
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stopping.set())
    with build(settings) as shop:
        shop.unit_of_work.check()
        if not wait_until_current(shop.log_heads, stopping):
            return
        leases = LeaseRenewal(shop.reaction_runner)
        perform = performer(shop.reaction_runner, leases)
        queue_names = sorted(shop.queue.broker.get_declared_queues())
        direct = DirectDispatch(perform, queue_names, settings.worker_threads)
        shop.queue.when_away(direct.submit)

        def renew() -> None:
            leases.renew()
            exhausted.extend(exhausted_queues(leases.hanging(shop.queue.queue_of), settings.worker_threads))
            if exhausted:
                stopping.set()

        schedule = PeriodicTasks(
            PeriodicTask(
                name="sweeper",
                every_seconds=settings.sweep_interval_ms / 1000,
                do=shop.reaction_runner.resend_due,
            ),
            PeriodicTask(
                name="clock", every_seconds=CLOCK_SECONDS, do=lambda: warn_of_clock(shop.clock.check)
            ),
            PeriodicTask(name="leases", every_seconds=settings.lease_seconds / 3, do=renew),
            PeriodicTask(
                name="log_head",
                every_seconds=HEAD_SECONDS,
                do=lambda: keep_head(shop.log_heads, stopping),
            ),
            *_tidying(shop, settings),
            *_comparing(shop, settings),
        )
        # Dramatiq's threads take from all queues of a worker alike: only a worker for each keeps a provider that
        # hangs from taking the hands that send mail and pay money back.
        workers = [_worker(shop, perform, queue_name, settings.worker_threads) for queue_name in queue_names]
        for worker in workers:
            worker.start()
        schedule.start()
        _say({"worker": "ready"})
        _log.info("worker_ready", threads=settings.worker_threads)
        stopping.wait()
        _log.info("worker_stopping")
        # The leases are kept until the work in hand is done.
        _drain(workers, direct)
        schedule.stop(DRAIN_SECONDS)
    if exhausted:
        raise WorkerExhaustedError(sorted(set(exhausted)))


def warn_of_clock(check: Callable[[], None]) -> None:
    """Log it when this machine's clock is off; the database's decides all the same."""
    try:
        check()
    except UnavailableError as error:
        _log.warning("clock_off", problem=str(error))


def exhausted_queues(hanging: Mapping[str, int], threads: int) -> list[str]:
    """The queues of which every thread waits for a call that was given up."""
    return [queue_name for queue_name, count in hanging.items() if count >= threads]


def _tidying(shop: Container, settings: Settings) -> list[PeriodicTask]:
    """What is looked after now and then, because time passes and nothing else would tell."""
    deeds = {
        "housekeeping": shop.upload_cleanup.tidy,
        "records": shop.upload_cleanup.forget_records,
        "unmatched_payments": shop.unmatched_payment_service.refund_due,
        "pending_payments": shop.checkout_sync.poll_pending_payments,
        "retention": shop.photo_retention.purge,
        "reminders": shop.link_reminders.remind,
        "usage_totals": shop.visitor_limits.forget_past,
    }
    return [
        PeriodicTask(name=name, every_seconds=settings.housekeeping_interval_seconds, do=do)
        for name, do in deeds.items()
    ]


def _comparing(shop: Container, settings: Settings) -> list[PeriodicTask]:
    """The comparison of the books; all workers look whether it is due, and one of them does it."""
    interval = timedelta(hours=settings.reconcile_interval_hours)
    if not interval:
        return []
    pause = min(interval.total_seconds(), LONGEST_PAUSE_SECONDS)
    return [
        PeriodicTask(
            name="reconciling", every_seconds=pause, do=lambda: compare_if_due(shop.reconciliation, interval)
        )
    ]


def _worker(
    shop: Container, perform: Callable[[str], None], queue_name: str, threads: int
) -> dramatiq.Worker:
    broker = shop.queue.broker_of(queue_name)
    declare_actors(broker, perform)
    return dramatiq.Worker(broker, worker_threads=threads)


def _drain(workers: list[dramatiq.Worker], direct: DirectDispatch) -> None:
    """Stop all of them at once, and wait no longer than for one."""
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
    """Tell whoever started this process, on a line of its own."""
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()
