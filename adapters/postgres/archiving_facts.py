"""Whether a role may back up a server, which archives its log."""

from contextlib import suppress
from dataclasses import dataclass

import psycopg
from sqlalchemy import make_url, text

from adapters.circuit_breaker import CircuitBreaker
from adapters.postgres.connections import CONNECT_TIMEOUT_SECONDS, POOLER_PARAMETER, connect
from adapters.postgres.outages import PROVIDER, outages

_FACTS = text(
    """SELECT current_user AS role, rolsuper OR rolreplication AS may_replicate,
        current_setting('archive_mode') <> 'off' AND (
            current_setting('archive_command') NOT IN ('', '(disabled)')
            OR coalesce(current_setting('archive_library', true), '') <> ''
        ) AS archives,
        (SELECT setting::integer FROM pg_settings WHERE name = 'archive_timeout') AS archive_timeout_seconds,
        (SELECT system_identifier::text FROM pg_control_system()) AS cluster,
        has_function_privilege('pg_ls_archive_statusdir()', 'EXECUTE') AS sees_files,
        coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) AS is_failing
    FROM pg_roles, pg_stat_archiver WHERE rolname = current_user"""
)


@dataclass(frozen=True, kw_only=True)
class ArchivingFacts:
    """What physical backups and the archived log depend on."""

    role: str
    cluster: str  # names the folder of its archived log
    may_replicate: bool
    accepts_replication: bool  # pg_hba.conf lets the role in; False if it may not replicate
    archives: bool
    archive_timeout_seconds: int  # 0 is never
    sees_files: bool  # the role may list which files wait to be archived
    is_failing: bool  # the newest try of the archiver failed


def archiving_facts(database_url: str) -> ArchivingFacts:
    """Read the facts, and try a connection for replication.

    Raises UnavailableError.
    """
    engine = connect(database_url, connections=1)
    try:
        with outages(CircuitBreaker(PROVIDER)), engine.connect() as connection:
            row = connection.execute(_FACTS).one()
    finally:
        engine.dispose()
    return ArchivingFacts(
        role=row.role,
        cluster=row.cluster,
        may_replicate=row.may_replicate,
        accepts_replication=row.may_replicate and _accepts_replication(database_url),
        archives=row.archives,
        archive_timeout_seconds=row.archive_timeout_seconds,
        sees_files=row.sees_files,
        is_failing=row.is_failing,
    )


def _accepts_replication(database_url: str) -> bool:
    url = make_url(database_url).difference_update_query([POOLER_PARAMETER])
    with suppress(psycopg.OperationalError):
        psycopg.connect(
            url.set(drivername="postgresql").render_as_string(hide_password=False),
            replication="true",
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
        ).close()
        return True
    return False
