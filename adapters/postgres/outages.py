"""Translation of the errors of an outage."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from adapters.circuit_breaker import CircuitBreaker
from domain.ports.errors import NoAnswerError, UnavailableError

PROVIDER = "PostgreSQL"


class ReadOnlyServerError(UnavailableError):
    """The server is read-only, as a standby is after a failover."""

    def __init__(self) -> None:
        super().__init__(
            PROVIDER, "it only reads, as a standby does; if that lasts, point DATABASE_URL at the primary"
        )


class FullDiskError(UnavailableError):
    """The server's disk is full: it reads, and records nothing."""

    def __init__(self) -> None:
        super().__init__(
            PROVIDER, "its disk is full; free some space there, and what waits goes on by itself"
        )


class NoAnswer(psycopg.OperationalError):
    """The server did not answer a statement in time."""


@contextmanager
def outages(breaker: CircuitBreaker) -> Iterator[None]:
    """Translate outages to UnavailableError; fail at once while the breaker is open."""
    with breaker.guard():
        try:
            yield
        except (OperationalError, InterfaceError) as error:
            raise _unavailable(error) from error
        except PoolTimeoutError as error:
            raise UnavailableError(PROVIDER, "all connections are in use") from error
        except DBAPIError as error:
            # Not every way in which the server ends a connection raises OperationalError.
            if not error.connection_invalidated:
                raise
            raise _unavailable(error) from error


def is_read_only(error: BaseException) -> bool:
    """Whether a server refused to write because it is a standby."""
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return True
    # A standby refuses with several codes; each message names the recovery it is in.
    states = (errors.ObjectNotInPrerequisiteState, errors.InternalError_)
    return isinstance(error, states) and "recovery" in str(error)


def _unavailable(error: DBAPIError) -> UnavailableError:
    if isinstance(error.orig, NoAnswer | errors.ConnectionTimeout):
        return NoAnswerError(PROVIDER, "it does not answer")
    if error.orig is not None and (is_read_only(error.orig) or "read-only" in str(error.orig)):
        return ReadOnlyServerError()
    if isinstance(error.orig, errors.DiskFull):
        return FullDiskError()
    was_connected = error.statement is not None or error.connection_invalidated
    return UnavailableError(
        PROVIDER,
        type(error.orig or error).__name__
        if was_connected
        else "no connection; check that it runs, and DATABASE_URL",
    )
