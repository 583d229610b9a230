"""The periodic tasks of a worker, by how often they are due."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Event

import structlog

from domain.ports.backups import BackupKind
from domain.ports.errors import UnavailableError
from domain.use_cases.reconciliation.run import Reconciliation
from domain.use_cases.recovery.backups import Backups
from entrypoints.bootstrap.container import Container
from entrypoints.bootstrap.restores import Drill
from entrypoints.settings import Settings
from entrypoints.worker.log_head import HEAD_SECONDS, keep_head
from entrypoints.worker.periodic_tasks import PeriodicTask
from entrypoints.worker.scheduled_backup import back_up_if_due
from entrypoints.worker.scheduled_drill import drill_if_due
from entrypoints.worker.scheduled_reconciliation import compare_if_due

#: How often this machine's clock is compared with the database's.
CLOCK_SECONDS = 60.0

#: How often it is looked whether the owner has to be written to.
LETTER_SECONDS = 60.0

#: How late the scheduled reconciliation may start.
LONGEST_PAUSE_SECONDS = 600.0

#: How often files of PostgreSQL's log are archived from BACKUP_WAL_DIRECTORY.
SHIPPING_SECONDS = 5.0

_log = structlog.get_logger(__name__)


def frequent_tasks(container: Container, settings: Settings, stopping: Event) -> list[PeriodicTask]:
    """Tasks that keep the orders going."""
    return [
        PeriodicTask(
            name="sweeper",
            every_seconds=settings.sweep_interval_ms / 1000,
            do=container.reaction_runner.resend_due,
        ),
        PeriodicTask(
            name="clock", every_seconds=CLOCK_SECONDS, do=partial(warn_of_clock, container.ports.clock.check)
        ),
        PeriodicTask(
            name="log_head", every_seconds=HEAD_SECONDS, do=partial(keep_head, container.log_heads, stopping)
        ),
    ]


def housekeeping_tasks(container: Container, settings: Settings) -> list[PeriodicTask]:
    """Tasks that become due by time alone."""
    tasks: dict[str, Callable[[], object]] = {
        "housekeeping": container.upload_cleanup.tidy,
        "records": container.upload_cleanup.forget_records,
        "unmatched_payments": container.unmatched_payment_service.refund_due,
        "pending_payments": container.checkout_sync.poll_pending_payments,
        "retention": container.photo_retention.purge,
        "reminders": container.link_reminders.remind,
        "usage_totals": container.visitor_limits.forget_past,
    }
    letters = PeriodicTask(
        name="owner_letters", every_seconds=LETTER_SECONDS, do=container.owner_letters.send_due
    )
    interval = settings.housekeeping_interval_seconds
    return [
        letters,
        *(PeriodicTask(name=name, every_seconds=interval, do=do) for name, do in tasks.items()),
    ]


def reconciliation_tasks(reconciliation: Reconciliation, settings: Settings) -> list[PeriodicTask]:
    """The scheduled reconciliation.

    Every worker checks whether it is due, and one of them runs it.
    """
    interval = timedelta(hours=settings.reconcile_interval_hours)
    if not interval:
        return []
    pause = min(interval.total_seconds(), LONGEST_PAUSE_SECONDS)
    do = partial(compare_if_due, reconciliation, interval)
    return [PeriodicTask(name="reconciling", every_seconds=pause, do=do)]


def backup_tasks(backups: Backups | None, settings: Settings) -> list[PeriodicTask]:
    """The scheduled backup, if there is a key for it."""
    interval = timedelta(hours=settings.backup_interval_hours)
    if backups is None or not interval:
        return []
    pause = min(interval.total_seconds(), LONGEST_PAUSE_SECONDS)
    do = partial(back_up_if_due, backups, BackupKind(settings.backup_kind), interval)
    return [PeriodicTask(name="backups", every_seconds=pause, do=do)]


def drill_tasks(settings: Settings) -> list[PeriodicTask]:
    """The scheduled restore drill, if there are backups."""
    interval = timedelta(hours=settings.backup_drill_interval_hours)
    if settings.backup_key is None or not interval:
        return []
    pause = min(interval.total_seconds(), LONGEST_PAUSE_SECONDS)
    do = partial(drill_if_due, Drill(settings, env_file=None), interval)
    return [PeriodicTask(name="restore_drill", every_seconds=pause, do=do)]


def shipping_tasks(ship_log: Callable[[], object] | None) -> list[PeriodicTask]:
    """The archiving of log files that PostgreSQL left in a folder."""
    if ship_log is None:
        return []
    return [PeriodicTask(name="log_shipping", every_seconds=SHIPPING_SECONDS, do=ship_log)]


def warn_of_clock(check: Callable[[], None]) -> None:
    """Warn if this machine's clock is wrong; the database's clock decides anyway."""
    try:
        check()
    except UnavailableError as error:
        _log.warning("clock_off", problem=str(error))
