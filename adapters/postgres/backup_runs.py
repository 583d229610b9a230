"""Backups and drills on record, and the state of the archived log."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from adapters.postgres.archived_log import archived_log
from adapters.postgres.row_objects import object_of
from domain.ports.backup_runs import BackupFacts, BackupRuns, DueAfter, RunEnd, RunKind
from domain.ports.backups import ServerState

_ONE_AT_A_TIME = text("LOCK TABLE backup_runs IN SHARE ROW EXCLUSIVE MODE")
_BEGIN = text("INSERT INTO backup_runs (kind, began_at) VALUES (:kind, :now)")
_IS_DUE = text(
    """SELECT NOT EXISTS (
        SELECT FROM backup_runs WHERE kind = :kind AND began_at > CASE
            WHEN ended_at IS NULL THEN CAST(:unfinished AS timestamptz)
            WHEN problem IS NULL THEN CAST(:succeeded AS timestamptz)
            ELSE CAST(:failed AS timestamptz)
        END
    )"""
)
_END = text(
    """UPDATE backup_runs
    SET ended_at = :now, backup_id = :backup_id, size_bytes = :size_bytes, problem = :problem
    WHERE kind = :kind AND began_at = :began_at"""
)
_FACTS = text(
    """WITH ended AS (SELECT * FROM backup_runs WHERE ended_at IS NOT NULL),
    good AS (SELECT * FROM ended WHERE kind = 'backup' AND problem IS NULL ORDER BY began_at DESC LIMIT 1),
    bad AS (SELECT * FROM ended WHERE kind = 'backup' AND problem IS NOT NULL ORDER BY began_at DESC LIMIT 1),
    drill AS (SELECT * FROM ended WHERE kind = 'drill' AND (problem IS NULL OR backup_id IS NOT NULL)
        ORDER BY began_at DESC LIMIT 1),
    untried AS (SELECT * FROM ended WHERE kind = 'drill' AND problem IS NOT NULL AND backup_id IS NULL
        ORDER BY began_at DESC LIMIT 1)
    SELECT good.began_at AS newest_backup_at, good.size_bytes AS newest_backup_size_bytes,
        bad.began_at AS newest_failure_at, bad.problem AS newest_failure,
        drill.began_at AS newest_drill_at, drill.problem AS newest_drill_problem,
        untried.began_at AS newest_untried_at, untried.problem AS newest_untried_problem
    FROM (SELECT) AS always LEFT JOIN good ON true LEFT JOIN bad ON true LEFT JOIN drill ON true
        LEFT JOIN untried ON true"""
)
_OLDEST_EVENT_AFTER = text(
    "SELECT min(recorded_at) FROM events WHERE recorded_at > coalesce(:moment, '-infinity'::timestamptz)"
)
_SERVER = text(
    """SELECT current_setting('server_version') AS version,
        (SELECT system_identifier::text FROM pg_control_system()) AS cluster,
        pg_walfile_name(pg_current_wal_lsn()) AS log_file,
        current_database()::text AS database,
        current_user::text AS role,
        (SELECT version_num FROM alembic_version) AS schema_revision,
        pg_database_size(current_database()) AS size_bytes"""
)


class PostgresBackupRuns(BackupRuns):
    """The record on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, kind: RunKind, now: datetime, due: DueAfter | None = None) -> bool:
        self._connection.execute(_ONE_AT_A_TIME)
        if due is not None:
            asked = {
                "kind": kind,
                "succeeded": due.succeeded,
                "failed": due.failed,
                "unfinished": due.unfinished,
            }
            if not self._connection.execute(_IS_DUE, asked).scalar_one():
                return False
        self._connection.execute(_BEGIN, {"kind": kind, "now": now})
        return True

    def end(self, kind: RunKind, began_at: datetime, now: datetime, end: RunEnd) -> None:
        ended: dict[str, Any] = {
            "backup_id": end.backup_id,
            "size_bytes": end.size_bytes,
            "problem": end.problem,
        }
        self._connection.execute(_END, {"kind": kind, "began_at": began_at, "now": now, **ended})

    def facts(self) -> BackupFacts:
        runs = self._connection.execute(_FACTS).one()
        log = archived_log(self._connection, runs.newest_backup_at)
        since = None
        if log.is_on:
            since = self._connection.execute(_OLDEST_EVENT_AFTER, {"moment": log.complete_until}).scalar_one()
        return object_of(
            runs,
            BackupFacts,
            archives_log=log.is_on,
            newest_archived_at=log.newest_archived_at,
            unarchived_since=since,
            waiting_files=log.waiting_files,
        )

    def server(self) -> ServerState:
        return object_of(self._connection.execute(_SERVER).one(), ServerState)
