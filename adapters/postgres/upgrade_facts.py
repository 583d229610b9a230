"""What an upgrade of the schema has to know about the database.

It is read from a schema of any version, so only tables that exist are asked.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from adapters.postgres.connections import connect
from adapters.postgres.event_codec import OWN_CODEC
from adapters.postgres.schema import MIGRATIONS, current_revision, known_revisions
from adapters.postgres.session_settings import COMMAND_STATEMENT_TIMEOUT_SECONDS

#: Sessions of the shop's processes are named with their version.
SESSION_PREFIX = "restoreclick "

_SIZES = text(
    """SELECT pg_database_size(current_database()) AS database_bytes,
        coalesce(max(pg_total_relation_size(c.oid)), 0) AS largest_table_bytes
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'r' AND nspname = 'public'"""
)
#: No row for a role that may not read it.
_DATA_DIRECTORY = text("SELECT setting FROM pg_settings WHERE name = 'data_directory'")
_SESSIONS = text(
    """SELECT coalesce(application_name, '') AS name, count(*) AS sessions FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
        AND backend_type = 'client backend'
    GROUP BY 1 ORDER BY 1"""
)
_EVENT_NAMES = text("SELECT DISTINCT name FROM events ORDER BY name")
_HAS_TABLE = text("SELECT to_regclass(:name) IS NOT NULL")


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One revision that an upgrade applies."""

    revision: str
    title: str  # the first line of its docstring
    ends_older_programs: bool  # it names the oldest program that may go on


@dataclass(frozen=True, kw_only=True)
class UpgradeFacts:
    """The database before an upgrade."""

    revision: str | None  # None without a schema
    is_newer: bool  # than this program knows
    pending: tuple[Migration, ...]
    database_bytes: int
    largest_table_bytes: int
    data_directory: Path | None  # None if this role may not know it
    unknown_events: tuple[str, ...]  # stored names that this program cannot read
    sessions: dict[str, int]  # of the same role, by the name of their program


def read_upgrade_facts(database_url: str) -> UpgradeFacts:
    """Read the facts without a lock."""
    engine = connect(database_url, connections=1, statement_timeout_seconds=COMMAND_STATEMENT_TIMEOUT_SECONDS)
    try:
        with engine.connect() as connection:
            return _facts(connection)
    finally:
        engine.dispose()


def read_sessions(database_url: str) -> dict[str, int]:
    """The sessions of the same role, by the name of their program."""
    engine = connect(database_url, connections=1, statement_timeout_seconds=COMMAND_STATEMENT_TIMEOUT_SECONDS)
    try:
        with engine.connect() as connection:
            return _sessions(connection)
    finally:
        engine.dispose()


def pending_migrations(revision: str | None) -> tuple[Migration, ...]:
    """The migrations after a revision, oldest first."""
    files = sorted((MIGRATIONS / "versions").glob("[0-9]*.py"))
    return tuple(_migration(file) for file in files if file.name.partition("_")[0] > (revision or ""))


def _facts(connection: Connection) -> UpgradeFacts:
    revision = current_revision(connection)
    sizes = connection.execute(_SIZES).one()
    directory = connection.execute(_DATA_DIRECTORY).scalar_one_or_none()
    names: list[str] = []
    if connection.execute(_HAS_TABLE, {"name": "events"}).scalar_one():
        names = [row.name for row in connection.execute(_EVENT_NAMES)]
    return UpgradeFacts(
        revision=revision,
        is_newer=revision is not None and revision not in known_revisions(),
        pending=pending_migrations(revision),
        database_bytes=sizes.database_bytes,
        largest_table_bytes=sizes.largest_table_bytes,
        data_directory=Path(directory) if directory else None,
        unknown_events=tuple(name for name in names if name not in OWN_CODEC.required_fields),
        sessions=_sessions(connection),
    )


def _sessions(connection: Connection) -> dict[str, int]:
    return {row.name: row.sessions for row in connection.execute(_SESSIONS)}


def _migration(file: Path) -> Migration:
    source = file.read_text()
    title, *_ = (ast.get_docstring(ast.parse(source)) or file.stem).splitlines()
    return Migration(
        revision=file.name.partition("_")[0],
        title=title,
        ends_older_programs="UPDATE schema_compatibility" in source,
    )
