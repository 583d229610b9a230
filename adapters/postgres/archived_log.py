"""How far PostgreSQL has archived its log."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from adapters.backups.vault import is_log_file

#: A segment is a file of the log, by its number. Any role may read this.
_SERVER = text(
    """WITH segments AS (SELECT pg_size_bytes(current_setting('wal_segment_size')) AS size)
    SELECT current_setting('archive_mode') <> 'off' AS is_on, last_archived_wal, last_archived_time,
        has_function_privilege('pg_ls_archive_statusdir()', 'EXECUTE') AS may_list,
        make_interval(secs => (SELECT setting::integer FROM pg_settings WHERE name = 'archive_timeout')) AS timeout,
        trunc((pg_current_wal_lsn() - '0/0') / size)::bigint AS segment,
        trunc((redo_lsn - '0/0') / size)::bigint AS checkpoint_segment, checkpoint_time,
        4294967296 / size AS segments_per_number
    FROM pg_stat_archiver, pg_control_checkpoint(), segments"""
)
_FILES = text(
    """SELECT name, modification FROM pg_ls_archive_statusdir()
    WHERE name ~ '^[0-9A-F]{24}[.](ready|done)$' ORDER BY name"""
)

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
    server = connection.execute(_SERVER).one()
    if not server.is_on:
        return ArchivedLog(
            is_on=False,
            newest_archived_at=server.last_archived_time,
            complete_until=None,
            waiting_files=0,
        )
    archived = _segment_of(server.last_archived_wal, server.segments_per_number)
    # Without a number, as of a history, it is as if only the file in use were not archived.
    waiting_files = max(server.segment - archived - 1, 0) if archived is not None else 0
    complete_until = server.last_archived_time
    backed_up = newest_backup_at
    if archived is not None and archived >= server.checkpoint_segment:
        backed_up = server.checkpoint_time
    if server.may_list:
        files = connection.execute(_FILES).all()
        ready = [each for each in files if each.name.endswith(".ready")]
        waiting_files = len(ready)
        done = [
            each for each in files if each.name.endswith(".done") and (not ready or each.name < ready[0].name)
        ]
        if done:
            ended = done[-1].modification + _SECOND
            complete_until = min(ended, complete_until or ended)
        elif ready and server.timeout:  # a checkpoint has deleted what is archived
            complete_until = _earlier(complete_until, ready[0].modification - server.timeout)
        elif ready:
            complete_until = _earlier(complete_until, backed_up)
    elif waiting_files > 1:  # one may be on its way
        complete_until = _earlier(complete_until, backed_up)
    return ArchivedLog(
        is_on=True,
        newest_archived_at=server.last_archived_time,
        complete_until=complete_until,
        waiting_files=waiting_files,
    )


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier moment; None is before all."""
    return min(one, other) if one is not None and other is not None else None


def _segment_of(name: str | None, segments_per_number: int) -> int | None:
    """The number in a name, behind its timeline."""
    if name is None or len(name) != 24 or not is_log_file(name):  # noqa: PLR2004
        return None
    return int(name[8:16], 16) * segments_per_number + int(name[16:24], 16)
