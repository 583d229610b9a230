"""The drill: whether a restored backup is the shop's whole log.

It checks a database that was restored elsewhere, against the newest head and the objects in the storage.
"""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from domain.ports.backup_runs import DueAfter, RunEnd, RunKind
from domain.ports.backups import BackupKind, BackupManifest, UnusableBackupError
from domain.ports.clock import Clock
from domain.ports.event_store import LeftOutOrder
from domain.ports.log_recovery import NewestEvent
from domain.ports.unit_of_work import Database, HasBackupRuns, UnitOfWork
from domain.use_cases.audit.log_verification import verify
from domain.use_cases.reconciliation.comparison import Comparison
from domain.use_cases.reconciliation.findings import Finding, FindingCode
from domain.use_cases.reconciliation.run import Reconciliation
from domain.use_cases.recovery.log_heads import LogHead

#: How far a backup with an archived log may be behind the shop: what is promised as the recovery point.
RECOVERY_POINT = timedelta(minutes=1)

#: A drill without an end for so long was cut off, with its worker.
LONGEST_DRILL = timedelta(hours=12)

#: When a drill that failed is tried again: an outage of the storage or a full disk passes.
RETRY_AFTER = timedelta(hours=6)

#: Findings that a restore causes or reveals; the others are of the shop's daily work.
_DEFECTS = frozenset(
    {
        FindingCode.STREAM_BROKEN,
        FindingCode.READ_MODELS_DIFFER,
        FindingCode.WORK_LOST,
        FindingCode.WORK_UNREADABLE,
    }
)
#: The same of objects. Those that an older log names may have been deleted since, as retention requires.
_OBJECT_DEFECTS = frozenset({FindingCode.OBJECT_MISSING, FindingCode.OBJECT_DIFFERS})

_EVER = datetime(2000, 1, 1, tzinfo=UTC)


class DrillProblem(StrEnum):
    """Why a drill failed."""

    LOG_DAMAGED = "log_damaged"  # an event is not what was recorded
    BACKUP_INCOMPLETE = "backup_incomplete"  # it lacks the event that its manifest names
    TOO_FAR_BEHIND = "too_far_behind"  # it lacks more than the recovery point allows
    ORDERS_LEFT_OUT = "orders_left_out"  # read models that could not be rebuilt
    DIFFERENCES = "differences"  # findings of the comparison
    NOT_COMPARED = "not_compared"  # the storage was not available


@dataclass(frozen=True, kw_only=True)
class DrillReport:
    """What was restored, and what is wrong with it."""

    backup_id: str
    restored_to: datetime | None  # the time of its newest event
    events: int
    orders: int
    rebuilt: int
    log_findings: int
    newest_head_at: datetime | None
    has_newest_head: bool
    behind: timedelta  # how much older its newest event is than the newest head, if it lacks that
    findings: tuple[Finding, ...]
    problems: tuple[DrillProblem, ...]

    @property
    def is_undecided(self) -> bool:
        """Whether nothing is wrong but the missing comparison."""
        return self.problems == (DrillProblem.NOT_COMPARED,)


class ComparisonsOf(Protocol):
    """Makes the comparisons that need no provider."""

    def __call__(self, database: Database) -> Sequence[Comparison]:
        """The comparisons of a database with itself and with the storage."""


class DrillRepositories(HasBackupRuns, Protocol):
    """The repository that records drills."""


@dataclass(eq=False, kw_only=True)
class Drills:
    """Records drills in the shop's own database."""

    unit_of_work: UnitOfWork[DrillRepositories]
    clock: Clock

    def run(self, drill: Callable[[], DrillReport], interval: timedelta | None = None) -> DrillReport | None:
        """Run a drill and record how it ended, also if it raises.

        With an interval, the first worker to ask runs it; others get None, and so does each worker while the shop has
        made no backup. What ends a drill other than UnusableBackupError is recorded without a backup, as one that could
        not be tried; so is one whose backup could not be compared with the storage.
        """
        began_at = self.clock.now()
        due = None
        if interval is not None:
            due = DueAfter(
                succeeded=began_at - interval,
                failed=began_at - min(interval, RETRY_AFTER),
                unfinished=began_at - max(interval / 4, LONGEST_DRILL),
            )
        with self.unit_of_work.transaction() as transaction:
            runs = transaction.backup_runs
            if due is not None and runs.facts().newest_backup_at is None:
                return None
            if not runs.begin(RunKind.DRILL, began_at, due):
                return None
        try:
            report = drill()
        except UnusableBackupError as error:
            self._end(began_at, RunEnd(backup_id=error.backup_id, problem=str(error)))
            raise
        except Exception as error:
            self._end(began_at, RunEnd(problem=str(error) or type(error).__name__))
            raise
        judged = None if report.is_undecided else report.backup_id
        self._end(began_at, RunEnd(backup_id=judged, problem=", ".join(report.problems) or None))
        return report

    def _end(self, began_at: datetime, end: RunEnd) -> None:
        with self.unit_of_work.transaction() as transaction:
            transaction.backup_runs.end(RunKind.DRILL, began_at, self.clock.now(), end)


class _StoppedClock:
    """The moment that a backup was restored to."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment


@dataclass(eq=False, kw_only=True)
class RestoreDrill:
    """Checks a restored database; writes nothing but its read models."""

    comparisons_of: ComparisonsOf

    def check(self, database: Database, manifest: BackupManifest, newest_head: LogHead | None) -> DrillReport:
        """Verify the log, rebuild the read models, and compare."""
        verification = verify(database.chained_events())
        with database.transaction() as transaction:
            newest = transaction.log_recovery.newest_event()
            has_own_head = manifest.log_head is None or transaction.log_recovery.has_event(
                manifest.log_head.event_id
            )
            has_newest_head = (
                newest_head is None
                or newest_head.event_id is None
                or transaction.log_recovery.has_event(newest_head.event_id)
            )
        behind = _behind(newest, newest_head) if not has_newest_head else timedelta()
        defects = _DEFECTS if behind > RECOVERY_POINT else _DEFECTS | _OBJECT_DEFECTS
        compared = self._compared(database, newest, defects)
        orders = list(database.rebuild())
        left_out = sum(isinstance(each, LeftOutOrder) for each in orders)
        problems = {
            DrillProblem.LOG_DAMAGED: bool(verification.findings),
            DrillProblem.BACKUP_INCOMPLETE: not has_own_head,
            DrillProblem.TOO_FAR_BEHIND: manifest.kind is BackupKind.PHYSICAL and behind > RECOVERY_POINT,
            DrillProblem.ORDERS_LEFT_OUT: left_out > 0,
            DrillProblem.DIFFERENCES: bool(compared.findings),
            DrillProblem.NOT_COMPARED: compared.was_cut_off,
        }
        return DrillReport(
            backup_id=manifest.backup_id,
            restored_to=newest.recorded_at if newest is not None else None,
            events=verification.head.events,
            orders=len(verification.head.streams),
            rebuilt=len(orders) - left_out,
            log_findings=len(verification.findings),
            newest_head_at=newest_head.written_at if newest_head is not None else None,
            has_newest_head=has_newest_head,
            behind=behind,
            findings=compared.findings,
            problems=tuple(problem for problem, is_there in problems.items() if is_there),
        )

    def _compared(
        self, database: Database, newest: NewestEvent | None, defects: AbstractSet[FindingCode]
    ) -> "_Compared":
        if newest is None:
            return _Compared(findings=(), was_cut_off=False)
        # As of its newest event: objects that were stored later are not known to it yet.
        clock: Clock = _StoppedClock(newest.recorded_at)
        comparison = Reconciliation(
            unit_of_work=database,
            comparisons=self.comparisons_of(database),
            clock=clock,
            grace=timedelta(),
        )
        report = comparison.compare(_EVER, repairs=False, reads_bytes=False)
        findings = tuple(each for each in report.findings if each.what in defects)
        return _Compared(findings=findings, was_cut_off=bool(report.cut_off))


@dataclass(frozen=True, kw_only=True)
class _Compared:
    findings: tuple[Finding, ...]
    was_cut_off: bool


def _behind(newest: NewestEvent | None, head: LogHead | None) -> timedelta:
    """How much older the log is than a head that it lacks."""
    if head is None:
        return timedelta()
    since = newest.recorded_at if newest is not None else _EVER
    return max(head.written_at - since, timedelta())
