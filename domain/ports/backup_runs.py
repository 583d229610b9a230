"""The port for the record of backups and restore drills."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.ports.backups import ServerState


class RunKind(StrEnum):
    """What was run."""

    BACKUP = "backup"
    DRILL = "drill"


@dataclass(frozen=True, kw_only=True)
class DueAfter:
    """A run is due unless there was one since these moments."""

    succeeded: datetime
    failed: datetime
    unfinished: datetime


@dataclass(frozen=True, kw_only=True)
class RunEnd:
    """How a run ended; ``problem`` is None if it succeeded.

    A drill with a problem and without a backup could not be tried: it says nothing about any backup.
    """

    backup_id: str | None = None
    size_bytes: int | None = None
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class BackupFacts:
    """What metrics and alerts show about backups.

    ``unarchived_since`` is the time of the oldest event that the archived log may lack; None if it lacks none, or if
    the database archives no log. ``waiting_files`` are the complete files of the log that are not archived yet.
    """

    newest_backup_at: datetime | None  # the beginning of the newest that succeeded
    newest_backup_size_bytes: int | None
    newest_failure_at: datetime | None  # of a backup
    newest_failure: str | None
    archives_log: bool
    newest_archived_at: datetime | None
    unarchived_since: datetime | None
    waiting_files: int
    newest_drill_at: datetime | None
    newest_drill_problem: str | None  # None if it succeeded, or if there was none
    newest_untried_at: datetime | None  # of a drill that could not be tried
    newest_untried_problem: str | None


class BackupRuns(Protocol):
    """Records runs, so that one of several workers makes each."""

    def begin(self, kind: RunKind, now: datetime, due: DueAfter | None = None) -> bool:
        """Record a beginning; return False, recording nothing, unless it is due.

        Concurrent callers wait until this transaction ends. Without ``due`` it is always due.
        """

    def end(self, kind: RunKind, began_at: datetime, now: datetime, end: RunEnd) -> None:
        """Record how the run that began then has ended."""

    def facts(self) -> BackupFacts:
        """The newest runs, and the state of the archived log."""

    def server(self) -> ServerState:
        """The server as it is now."""
