"""The database alone, for commands that need no provider.

These read the log or maintain its schema, and must not load the providers' SDKs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError, OperationalError

from adapters.postgres import schema
from adapters.postgres.connections import COMMAND_STATEMENT_TIMEOUT_SECONDS
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.ports.errors import UnavailableError
from domain.ports.unit_of_work import Database
from domain.use_cases.queries import Queries
from entrypoints.command_errors import CommandFailedError
from entrypoints.settings import DatabaseSettings, read_database_settings


class UnknownRevisionError(CommandFailedError):
    """The migrations know no such revision."""

    def __init__(self, revision: str) -> None:
        self.revision = revision
        super().__init__(
            f"There is no revision {revision}: look into migrations/versions for those there are."
        )


class NoDatabaseError(CommandFailedError):
    """The database cannot be reached, or refuses the connection."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"The database cannot be used ({reason}): check DATABASE_URL, and that PostgreSQL is running."
        )


@contextmanager
def open_unit_of_work(
    settings: DatabaseSettings, *, connections: int = 2, processes: int = 1
) -> Iterator[Database]:
    """The database, once it answers and its schema is current.

    Raises NoDatabaseError or UnavailableError.
    """
    unit_of_work = PostgresUnitOfWork(
        settings.database_url,
        connections=connections,
        processes=processes,
        statement_timeout_seconds=COMMAND_STATEMENT_TIMEOUT_SECONDS,
    )
    try:
        _check(unit_of_work)
        yield unit_of_work
    finally:
        unit_of_work.close()


@contextmanager
def open_queries(*, processes: int = 1) -> Iterator[Queries]:
    """The read side, for commands that need no provider.

    Raises SettingsError, and the errors of ``open_unit_of_work``.
    """
    with open_unit_of_work(read_database_settings(), processes=processes) as unit_of_work:
        yield Queries(unit_of_work=unit_of_work, hash_chain=unit_of_work)


def check_database(settings: DatabaseSettings) -> None:
    """Check that the database answers and its schema is current.

    Raises the errors of ``open_unit_of_work``.
    """
    with open_unit_of_work(settings):
        pass


def upgrade(
    settings: DatabaseSettings, revision: str = "head", *, on_wait: Callable[[str], object] | None = None
) -> None:
    """Upgrade the schema to a revision; idempotent.

    ``on_wait`` is called with a sentence each time a migration has to wait for other transactions. Raises
    NoDatabaseError, UnknownRevisionError or UnavailableError.
    """
    with _explained(revision):
        schema.upgrade(settings.database_url, revision, on_wait=on_wait or (lambda _sentence: None))


def downgrade(settings: DatabaseSettings, revision: str) -> None:
    """Downgrade the schema of an empty log; raises the errors of ``upgrade``."""
    with _explained(revision):
        schema.downgrade(settings.database_url, revision)


def _check(unit_of_work: Database) -> None:
    try:
        with _explained():
            unit_of_work.check()
    except UnavailableError as error:
        if isinstance(error.__cause__, DBAPIError):
            raise NoDatabaseError(_reason(error.__cause__)) from error
        raise


@contextmanager
def _explained(revision: str = "head") -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if error.statement and not isinstance(error, OperationalError):
            raise  # our defect, not a connection problem
        raise NoDatabaseError(_reason(error)) from error
    except CommandError as error:
        raise UnknownRevisionError(revision) from error


def _reason(error: DBAPIError) -> str:
    """The first line of libpq's error, which never contains the password."""
    first_line, *_ = str(error.orig).splitlines() or [type(error).__name__]
    return first_line.removeprefix("connection failed: ").removeprefix("connection is bad: ")
