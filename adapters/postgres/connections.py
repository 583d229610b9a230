"""Connections to PostgreSQL that are bounded in time, and what their errors mean to the shop."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors
from psycopg.abc import RV, PQGen
from sqlalchemy import Dialect, Engine, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from adapters.circuit_breaker import CircuitBreaker
from domain.ports.errors import NoAnswerError, UnavailableError

PROVIDER = "PostgreSQL"

CONNECT_TIMEOUT_SECONDS = 5
#: A statement that takes longer than this is a defect, not work.
STATEMENT_TIMEOUT_SECONDS = 10.0
#: The same for commands that people run, which may read the whole log.
COMMAND_STATEMENT_TIMEOUT_SECONDS = 30.0
#: The server ends a statement by itself. One that has not even done that is stopped, or the network swallows what it
#: says, and keepalives do not tell: the kernel answers those for a process that hangs.
ANSWER_GRACE_SECONDS = 2.0
#: How long to wait for a connection while all of them are used.
POOL_TIMEOUT_SECONDS = 5.0
#: No transaction of ours waits for anything but the database. A client that is silent in the middle of one for so long
#: was stopped, or is gone, and must not keep locks that all others wait for.
IDLE_IN_TRANSACTION_SECONDS = 5.0


class ReadOnlyServerError(UnavailableError):
    """The server answers and takes no writes: a failover left us on a standby."""

    def __init__(self) -> None:
        super().__init__(
            PROVIDER, "it only reads, as a standby does; if that lasts, point DATABASE_URL at the primary"
        )


class AnsweringConnection(psycopg.Connection[Any]):
    """A connection that gives up on a server which does not answer in time."""

    #: Seconds to wait for any answer; unlimited if None.
    answer_timeout_seconds: float | None = None

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for a result; after the time-out the connection is closed and OperationalError raised."""
        if timeout is not None or self.answer_timeout_seconds is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.answer_timeout_seconds)
        except errors._WaitTimeout as error:  # noqa: SLF001 -- the only name it has
            self.pgconn.finish()
            raise NoAnswer(f"no answer within {self.answer_timeout_seconds:g} s") from error


class NoAnswer(psycopg.OperationalError):
    """The server did not answer a statement in time."""


def connect(
    database_url: str,
    *,
    connections: int,
    statement_timeout_seconds: float | None = STATEMENT_TIMEOUT_SECONDS,
    lock_timeout_seconds: float | None = None,
) -> Engine:
    """An engine on psycopg 3 for a plain ``postgresql://`` address, with a pool of so many connections.

    It connects to servers that take writes only, unless the address has its own ``target_session_attrs``. Without a
    statement time-out it waits for ever, and its transactions may idle: that is for migrations.
    """
    url = make_url(database_url).set(drivername="postgresql+psycopg")
    options = {
        "timezone": "UTC",
        "statement_timeout": _milliseconds(statement_timeout_seconds),
        "lock_timeout": _milliseconds(lock_timeout_seconds),
        "idle_in_transaction_session_timeout": _milliseconds(
            IDLE_IN_TRANSACTION_SECONDS if statement_timeout_seconds else None
        ),
    }
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        hide_parameters=True,  # an error's text must not carry what customers sent
        connect_args={
            "target_session_attrs": url.query.get("target_session_attrs", "read-write"),
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            # A server that vanishes without a word is noticed within a minute, not after hours.
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        },
    )
    answer_timeout = statement_timeout_seconds and statement_timeout_seconds + ANSWER_GRACE_SECONDS

    def answering(_dialect: Dialect, _record: Any, arguments: Any, parameters: Any) -> AnsweringConnection:
        connection = AnsweringConnection.connect(*arguments, **parameters)
        connection.answer_timeout_seconds = answer_timeout
        return connection

    event.listen(engine, "do_connect", answering)
    event.listen(engine, "handle_error", _discard_read_only)
    return engine


@contextmanager
def outages(breaker: CircuitBreaker) -> Iterator[None]:
    """Raise UnavailableError for what is the server's or the network's fault, and at once while nothing answers."""
    with breaker.guard():
        try:
            yield
        except (OperationalError, InterfaceError) as error:
            raise _unavailable(error) from error
        except PoolTimeoutError as error:
            raise UnavailableError(PROVIDER, "all connections are in use") from error
        except DBAPIError as error:
            # Not every way in which the server ends a connection is called operational.
            if not error.connection_invalidated:
                raise
            raise _unavailable(error) from error


def _unavailable(error: DBAPIError) -> UnavailableError:
    if isinstance(error.orig, NoAnswer | errors.ConnectionTimeout):
        return NoAnswerError(PROVIDER, "it does not answer")
    if error.orig is not None and (_is_read_only(error.orig) or "read-only" in str(error.orig)):
        return ReadOnlyServerError()
    was_connected = error.statement is not None or error.connection_invalidated
    return UnavailableError(
        PROVIDER, type(error).__name__ if was_connected else "no connection; check DATABASE_URL"
    )


def _discard_read_only(context: ExceptionContext) -> None:
    """Count a server that lost its writes as a disconnect: all pooled connections are replaced at their next use."""
    if _is_read_only(context.original_exception):
        context.is_disconnect = True


def _is_read_only(error: BaseException) -> bool:
    """Whether a statement failed because this server only reads: a failover left us on a standby."""
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return True
    # What a standby refuses has several codes; its sentence names the recovery it is in.
    states = (errors.ObjectNotInPrerequisiteState, errors.InternalError_)
    return isinstance(error, states) and "recovery" in str(error)


def _milliseconds(seconds: float | None) -> int:
    """As PostgreSQL reads a time-out; 0 switches it off."""
    return int((seconds or 0) * 1000)
