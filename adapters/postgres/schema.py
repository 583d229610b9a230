"""The schema's revision: whether it fits this program, and its lock.

It is read without Alembic, whose import would take longer than most commands.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, text

from adapters.postgres.connections import connect, is_behind_pooler
from adapters.postgres.outages import PROVIDER, ReadOnlyServerError
from domain.ports.errors import UnavailableError

#: The folder of the revisions and of Alembic's environment.
MIGRATIONS = Path(__file__).parents[2] / "migrations"

#: The oldest major version that supports our SQL; the tests run on it.
OLDEST_SERVER = 15

#: How long a migration waits for a lock. Every other statement on the table queues behind it.
LOCK_TIMEOUT_SECONDS = 3.0

#: How often it is looked whether another migration has ended.
POLL_SECONDS = 0.2

#: Polled, because a waiting statement holds a snapshot, and the concurrent index builds of the other migration wait
#: for all snapshots to end.
_TRY_MIGRATION_LOCK = text("SELECT pg_try_advisory_lock(hashtext('restoreclick schema'))")
OLDEST_TRANSACTION = text(
    """SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
    ORDER BY xact_start LIMIT 1"""
)


class UnfitServerError(UnavailableError):
    """The database answers, but cannot be used as it is."""

    def __init__(self, detail: str) -> None:
        super().__init__(PROVIDER, detail)

    def __str__(self) -> str:
        return f"{PROVIDER} cannot be used: {self.detail}."


class OutdatedServerError(UnfitServerError):
    """The server is older than OLDEST_SERVER."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"the server is version {found}, and the shop needs {OLDEST_SERVER} or later; upgrade the server, or point"
            " DATABASE_URL at a newer one"
        )


class PooledConnectionError(UnfitServerError):
    """A migration, a rebuild or the archive was to run through PgBouncer."""

    def __init__(self) -> None:
        super().__init__(
            "this command holds a lock of its session, which PgBouncer hands to others after each transaction; run it"
            " with a DATABASE_URL that leads to PostgreSQL itself, without ?pgbouncer=true"
        )


class StaleSchemaError(UnfitServerError):
    """The schema is missing or older than this program."""

    def __init__(self, found: str | None, newest: str) -> None:
        self.found = found
        self.newest = newest
        state = f"its schema is at {found}, older than this program, which needs {newest}" if found else ""
        super().__init__(f"{state or 'it has no schema yet'}; run `restoreclick db upgrade`")


class NewerSchemaError(UnfitServerError):
    """A newer program made the schema, incompatible with this one."""

    def __init__(self, found: str, newest: str) -> None:
        self.found = found
        self.newest = newest
        super().__init__(
            f"its schema is at {found}, newer than this program, which knows {newest} at most; install the version of"
            " RestoreClick that upgraded the schema, or a later one"
        )


class SchemaInUseError(UnfitServerError):
    """A migration did not get the lock it needs."""

    def __init__(self, pid: int | None) -> None:
        self.pid = pid
        oldest = f" (the oldest is of server process {pid})" if pid else ""
        super().__init__(
            f"other transactions keep tables locked that the migration changes{oldest}; end them, then run"
            " `restoreclick db upgrade` again, which goes on where it stopped"
        )


class EventsExistError(UnfitServerError):
    """A downgrade would destroy the log."""

    def __init__(self, events: int) -> None:
        self.events = events
        super().__init__(
            f"its log has {events} events, and an older schema would lose some of what they prove; restore a backup"
            " made before the upgrade into another database instead"
        )


def check(connection: Connection) -> None:
    """Raise UnavailableError unless the server is writable and the schema fits."""
    _check_server(connection)
    if connection.execute(text("SHOW transaction_read_only")).scalar_one() == "on":
        raise ReadOnlyServerError
    found, newest = current_revision(connection), _newest_revision()
    if found == newest or _is_compatible(connection, found):
        return
    if found is not None and found not in known_revisions():
        raise NewerSchemaError(found, newest)
    raise StaleSchemaError(found, newest)


@contextmanager
def exclusive_connection(database_url: str) -> Iterator[Connection]:
    """Yield a connection that holds the lock of migrations and rebuilds.

    It has a lock time-out and no statement time-out. Raises PooledConnectionError for a URL of PgBouncer.
    """
    if is_behind_pooler(database_url):
        raise PooledConnectionError
    engine = connect(database_url, connections=1, statement_timeout_seconds=None)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        connection = stack.enter_context(engine.connect())
        _check_server(connection)
        connection.commit()
        while not connection.execute(_TRY_MIGRATION_LOCK).scalar_one():
            connection.commit()
            time.sleep(POLL_SECONDS)
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'"))
        found = current_revision(connection)
        connection.commit()
        if found is not None and found not in known_revisions():
            raise NewerSchemaError(found, _newest_revision())
        yield connection


def _check_server(connection: Connection) -> None:
    found = connection.dialect.server_version_info or (0,)
    if int(found[0]) < OLDEST_SERVER:
        raise OutdatedServerError(".".join(map(str, found)))


def current_revision(connection: Connection) -> str | None:
    """The revision that the schema is at; None without one."""
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar_one() is None:
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _is_compatible(connection: Connection, found: str | None) -> bool:
    """Whether a newer schema declares that this program may still use it.

    Old and new programs run side by side until the old ones are replaced.
    """
    if found is None or found in known_revisions():
        return False
    oldest = connection.execute(text("SELECT oldest_program FROM schema_compatibility")).scalar_one_or_none()
    return oldest in known_revisions()


@cache
def known_revisions() -> frozenset[str]:
    """This program's revisions: the first part of each file's name."""
    known = frozenset(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    if not known:
        raise FileNotFoundError("This installation has no migrations: install RestoreClick again.")
    return known


def _newest_revision() -> str:
    return max(known_revisions())
