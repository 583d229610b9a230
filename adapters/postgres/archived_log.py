"""How far PostgreSQL has archived its log."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

from adapters.backups.vault import is_log_file

#: Any role may read this, also where a provider restricts what is below.
_ARCHIVER = text(
    """SELECT current_setting('archive_mode') <> 'off' AS is_on, last_archived_wal, last_archived_time,
        has_function_privilege('pg_ls_archive_statusdir()', 'EXECUTE') AS may_list,
        has_function_privilege('pg_control_checkpoint()', 'EXECUTE') AS may_see_checkpoint,
        make_interval(secs => (SELECT setting::integer FROM pg_settings WHERE name = 'archive_timeout')) AS timeout,
        pg_size_bytes(current_setting('wal_segment_size')) AS segment_bytes
    FROM pg_stat_archiver"""
)
#: A segment is a file of the log, by its number.
_SEGMENT = text("SELECT trunc((pg_current_wal_lsn() - '0/0') / :segment_bytes)::bigint")
_CHECKPOINT = text(
    """SELECT trunc((redo_lsn - '0/0') / :segment_bytes)::bigint AS segment, checkpoint_time
    FROM pg_control_checkpoint()"""
)
_FILES = text(
    """SELECT name, modification FROM pg_ls_archive_statusdir()
    WHERE name ~ '^[0-9A-F]{24}[.](ready|done)$' ORDER BY name"""
)

#: The segments of so many bytes have the first of the two numbers in their names in common.
_LOG_BYTES = 2**32

#: Modification times have whole seconds.
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class ArchivedLog:
    """The state of the archived log.

    ``complete_until`` is the moment until which it has every event; None if it may have none.
    """

    is_on: bool
    newest_archived_at: datetime | None
    complete_until: datetime | None
    waiting_files: int


def archived_log(connection: Connection, newest_backup_at: datetime | None) -> ArchivedLog:
    """Read how far the log is archived.

    PostgreSQL archives one file after the other, so the time of the newest archived one says nothing about those that
    wait. A file `NAME.ready` or `NAME.done` in its folder archive_status is as old as the end of that part of the log;
    superusers and members of pg_monitor may list it. For others, files that wait are counted by position, and their
    age is an upper bound: what the newest checkpoint or backup has is not lost.
    """
    server = connection.execute(_ARCHIVER).one()
    complete_until, waiting_files = None, 0
    if server.is_on:
        of = _by_files if server.may_list else _by_positions
        complete_until, waiting_files = of(connection, server, newest_backup_at)
    return ArchivedLog(
        is_on=server.is_on,
        newest_archived_at=server.last_archived_time,
        complete_until=complete_until,
        waiting_files=waiting_files,
    )


def _by_files(
    connection: Connection, server: Row[Any], newest_backup_at: datetime | None
) -> tuple[datetime | None, int]:
    """Until when the log is complete, and how many files wait."""
    archived_at: datetime | None = server.last_archived_time
    files = connection.execute(_FILES).all()
    ready = [each for each in files if each.name.endswith(".ready")]
    done = [
        each for each in files if each.name.endswith(".done") and (not ready or each.name < ready[0].name)
    ]
    if done:
        ended: datetime = done[-1].modification + _SECOND
        return min(ended, archived_at or ended), len(ready)
    if not ready:
        return archived_at, 0
    # A checkpoint has deleted what is archived, and with it the end of the newest archived file.
    if server.timeout:
        return _earlier(archived_at, ready[0].modification - server.timeout), len(ready)
    return _earlier(archived_at, _kept_until(connection, server, newest_backup_at)), len(ready)


def _by_positions(
    connection: Connection, server: Row[Any], newest_backup_at: datetime | None
) -> tuple[datetime | None, int]:
    """The same for a role that may not list the files."""
    archived = _segment_of(server.last_archived_wal, server.segment_bytes)
    if archived is None:  # the history of a timeline, or of a backup: it has no position
        return server.last_archived_time, 0
    segment = connection.execute(_SEGMENT, {"segment_bytes": server.segment_bytes}).scalar_one()
    waiting_files = max(segment - archived - 1, 0)
    if waiting_files <= 1:  # one may be on its way
        return server.last_archived_time, waiting_files
    return _earlier(
        server.last_archived_time, _kept_until(connection, server, newest_backup_at)
    ), waiting_files


def _kept_until(
    connection: Connection, server: Row[Any], newest_backup_at: datetime | None
) -> datetime | None:
    """A moment whose events are archived or backed up for certain."""
    archived = _segment_of(server.last_archived_wal, server.segment_bytes)
    if archived is not None and server.may_see_checkpoint:
        checkpoint = connection.execute(_CHECKPOINT, {"segment_bytes": server.segment_bytes}).one()
        if archived >= checkpoint.segment:
            return checkpoint.checkpoint_time  # type: ignore[no-any-return]
    return newest_backup_at


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier moment; None is before all."""
    return min(one, other) if one is not None and other is not None else None


def _segment_of(name: str | None, segment_bytes: int) -> int | None:
    """The number in a name, behind its timeline."""
    if name is None or len(name) != 24 or not is_log_file(name):  # noqa: PLR2004
        return None
    return int(name[8:16], 16) * (_LOG_BYTES // segment_bytes) + int(name[16:24], 16)
