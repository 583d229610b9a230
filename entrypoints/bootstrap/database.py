"""The database alone, for commands that need no provider.

These read the log or maintain its schema, and must not load the providers' SDKs.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.errors import InsufficientPrivilege
from sqlalchemy.exc import DBAPIError, OperationalError

from adapters.postgres.connections import is_replaying
from adapters.postgres.schema import StaleSchemaError
from adapters.postgres.session_settings import COMMAND_STATEMENT_TIMEOUT_SECONDS
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.ports.errors import UnavailableError
from domain.ports.unit_of_work import Database
from entrypoints.command_errors import CommandFailedError


class NoDatabaseError(CommandFailedError):
    """The database cannot be reached, or refuses the connection."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"The database cannot be used ({reason}): check DATABASE_URL, and that PostgreSQL is running."
        )


class MissingRightError(CommandFailedError):
    """The role of DATABASE_URL may not do what a command needs."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"The role of DATABASE_URL lacks a right ({reason}): use the role that owns the shop's tables."
        )


class ReplayingDatabaseError(NoDatabaseError):
    """The database still replays its log, or is a standby."""

    def __init__(self) -> None:
        super().__init__("it replays its log")

    def __str__(self) -> str:
        """Say what to wait for."""
        return (
            "The database cannot be used yet: PostgreSQL still replays its log, and only reads until then. After a"
            " restore, wait until it has ended. A standby replays for ever, and RestoreClick promotes none: if it is"
            " one, name the primary in DATABASE_URL."
        )


@contextmanager
def open_unit_of_work(
    database_url: str, *, connections: int = 2, processes: int = 1, oldest_schema: str | None = None
) -> Iterator[Database]:
    """The database, once it answers and its schema is current.

    What needs less also accepts an older schema, from ``oldest_schema`` on. Raises NoDatabaseError or
    UnavailableError.
    """
    unit_of_work = PostgresUnitOfWork(
        database_url,
        connections=connections,
        processes=processes,
        statement_timeout_seconds=COMMAND_STATEMENT_TIMEOUT_SECONDS,
    )
    try:
        try:
            _check(unit_of_work, database_url)
        except StaleSchemaError as error:
            if oldest_schema is None or error.found is None or error.found < oldest_schema:
                raise
        yield unit_of_work
    finally:
        unit_of_work.close()


def check_database(database_url: str) -> None:
    """Check that the database answers and its schema is current.

    Raises the errors of ``open_unit_of_work``.
    """
    with open_unit_of_work(database_url):
        pass


def _check(unit_of_work: Database, database_url: str) -> None:
    try:
        with connection_problems_explained(database_url):
            unit_of_work.check()
    except UnavailableError as error:
        if isinstance(error.__cause__, DBAPIError):
            raise _problem(error.__cause__, database_url) from error
        raise


@contextmanager
def connection_problems_explained(database_url: str) -> Iterator[None]:
    """Translate the errors of a connection, and MissingRightError."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, InsufficientPrivilege):
            raise MissingRightError(_reason(error)) from error
        if error.statement and not isinstance(error, OperationalError):
            raise  # our defect, not a connection problem
        raise _problem(error, database_url) from error


def _problem(error: DBAPIError, database_url: str) -> NoDatabaseError:
    reason = _reason(error)
    if ("read-only" in reason or "recovery" in reason) and is_replaying(database_url):
        return ReplayingDatabaseError()
    return NoDatabaseError(reason)


def _reason(error: DBAPIError) -> str:
    """The first line of libpq's error, which never contains the password."""
    first_line, *_ = str(error.orig).splitlines() or [type(error).__name__]
    return first_line.removeprefix("connection failed: ").removeprefix("connection is bad: ")
