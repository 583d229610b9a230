"""The runs of backups and drills on record, without an archived log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from domain.ports.backup_runs import BackupFacts, BackupRuns, DueAfter, RunEnd, RunKind
from domain.ports.backups import ServerState

if TYPE_CHECKING:
    from tests.doubles.tables import Tables
    from tests.doubles.transaction_overlay import TransactionWrites


class InMemoryBackupRuns(BackupRuns):
    """The record in the in-memory tables."""

    def __init__(self, pages: Tables, writing: TransactionWrites) -> None:
        self._runs = pages.backup_runs
        self._writing = writing

    def begin(self, kind: RunKind, now: datetime, due: DueAfter | None = None) -> bool:
        self._writing.take("backup_runs")
        if due is not None and any(
            began_at > _limit(end, due) for (other, began_at), end in self._runs.items() if other is kind
        ):
            return False
        self._runs[kind, now] = None
        return True

    def end(self, kind: RunKind, began_at: datetime, now: datetime, end: RunEnd) -> None:  # noqa: ARG002 -- stored by PostgreSQL, for staff who read the table
        self._runs[kind, began_at] = end

    def facts(self) -> BackupFacts:
        good = self._newest(RunKind.BACKUP, lambda end: end.problem is None)
        bad = self._newest(RunKind.BACKUP, lambda end: end.problem is not None)
        drill = self._newest(RunKind.DRILL, lambda end: end.problem is None or end.backup_id is not None)
        untried = self._newest(RunKind.DRILL, lambda end: end.problem is not None and end.backup_id is None)
        return BackupFacts(
            newest_backup_at=good,
            newest_backup_size_bytes=self._end(RunKind.BACKUP, good).size_bytes,
            newest_failure_at=bad,
            newest_failure=self._end(RunKind.BACKUP, bad).problem,
            archives_log=False,
            newest_archived_at=None,
            unarchived_since=None,
            waiting_files=0,
            newest_drill_at=drill,
            newest_drill_problem=self._end(RunKind.DRILL, drill).problem,
            newest_untried_at=untried,
            newest_untried_problem=self._end(RunKind.DRILL, untried).problem,
        )

    def server(self) -> ServerState:
        return ServerState(
            version="18.0",
            cluster="7000000000000000001",
            log_file="000000010000000000000002",
            database="shop",
            role="shop",
            schema_revision="0030",
            size_bytes=8_000_000,
        )

    def _newest(self, kind: RunKind, counts: Callable[[RunEnd], bool]) -> datetime | None:
        ended = (
            began_at
            for (other, began_at), end in self._runs.items()
            if other is kind and end is not None and counts(end)
        )
        return max(ended, default=None)

    def _end(self, kind: RunKind, began_at: datetime | None) -> RunEnd:
        end = self._runs[kind, began_at] if began_at is not None else None
        return end or RunEnd()


def _limit(end: RunEnd | None, due: DueAfter) -> datetime:
    if end is None:
        return due.unfinished
    return due.succeeded if end.problem is None else due.failed
