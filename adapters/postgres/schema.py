"""Schema revisions: compatibility checks, upgrade and downgrade."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from adapters.postgres.connections import PROVIDER, ReadOnlyServerError, connect
from domain.ports.errors import UnavailableError

#: The oldest major version that supports our SQL; the tests run on it.
OLDEST_SERVER = 15

#: How long a migration waits for a lock. Every other statement on the table queues behind it.
LOCK_TIMEOUT_SECONDS = 3.0
#: How often a migration is retried, and how long the table is free for others between attempts.
LOCK_ATTEMPTS = 20
LOCK_PAUSE_SECONDS = 2.0

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
    found, newest = _current_revision(connection), _newest_revision()
    if found == newest or _is_compatible(connection, found):
        return
    if found is not None and found not in _known_revisions():
        raise NewerSchemaError(found, newest)
    raise StaleSchemaError(found, newest)


def upgrade(
    database_url: str, revision: str = "head", *, on_wait: Callable[[str], object] = lambda _sentence: None
) -> None:
    """Bring the schema to a revision.

    Idempotent, and safe from several processes at once. Each migration is a transaction of its own, so that no table
    is locked for longer than its own change takes. One that gets no lock in time is retried; ``on_wait`` receives a
    sentence for each wait. Raises SchemaInUseError, OutdatedServerError or NewerSchemaError.
    """
    with exclusive_connection(database_url) as connection:
        for attempt in range(1, LOCK_ATTEMPTS + 1):
            try:
                command.upgrade(alembic_config(connection), revision)
            except OperationalError as error:
                connection.rollback()
                if not isinstance(error.orig, LockNotAvailable):
                    raise
                if attempt == LOCK_ATTEMPTS:
                    raise SchemaInUseError(connection.execute(OLDEST_TRANSACTION).scalar()) from error
                on_wait(
                    f"A table is in use by others: trying again in {LOCK_PAUSE_SECONDS:g} s"
                    f" ({attempt} of {LOCK_ATTEMPTS})."
                )
                time.sleep(LOCK_PAUSE_SECONDS)
            else:
                connection.commit()
                return


def downgrade(database_url: str, revision: str = "base") -> None:
    """Downgrade the schema, deleting later data; raise EventsExistError if events exist."""
    with exclusive_connection(database_url) as connection, connection.begin():
        if connection.execute(text("SELECT to_regclass('events')")).scalar() is not None:
            # No event may be appended between the count and the end.
            connection.execute(text("LOCK TABLE events IN SHARE ROW EXCLUSIVE MODE"))
            events = connection.execute(text("SELECT count(*) FROM events")).scalar_one()
            if events:
                raise EventsExistError(events)
        command.downgrade(alembic_config(connection), revision)


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's configuration for commands on this connection."""
    config = _config()
    config.attributes["connection"] = connection
    return config


@contextmanager
def exclusive_connection(database_url: str) -> Iterator[Connection]:
    """Yield a connection that holds the lock of migrations and rebuilds.

    It has a lock time-out and no statement time-out.
    """
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
        found = _current_revision(connection)
        connection.commit()
        if found is not None and found not in _known_revisions():
            raise NewerSchemaError(found, _newest_revision())
        yield connection


def _check_server(connection: Connection) -> None:
    found = connection.dialect.server_version_info or (0,)
    if int(found[0]) < OLDEST_SERVER:
        raise OutdatedServerError(".".join(map(str, found)))


def _current_revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _is_compatible(connection: Connection, found: str | None) -> bool:
    """Whether a newer schema declares that this program may still use it.

    Old and new programs run side by side until the old ones are replaced.
    """
    if found is None or found in _known_revisions():
        return False
    oldest = connection.execute(text("SELECT oldest_program FROM schema_compatibility")).scalar_one_or_none()
    return oldest in _known_revisions()


@cache
def _known_revisions() -> frozenset[str]:
    scripts = ScriptDirectory.from_config(_config())
    return frozenset(script.revision for script in scripts.walk_revisions())


@cache
def _newest_revision() -> str:
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    if newest is None:
        raise FileNotFoundError("This installation has no migrations: install RestoreClick again.")
    return newest


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[2] / "migrations"))
    return config
