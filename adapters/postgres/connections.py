"""Engines with bounded waits."""

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import errors
from psycopg.abc import RV, PQGen
from sqlalchemy import Dialect, Engine, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext

from adapters.postgres.outages import NoAnswer, is_read_only
from adapters.postgres.session_settings import (
    STATEMENT_TIMEOUT_SECONDS,
    as_options,
    session_settings,
    set_in_each_transaction,
)

CONNECT_TIMEOUT_SECONDS = 5
#: How long after its own statement time-out a server may take to answer. A stopped process or a broken network path
#: never answers, and TCP keepalives do not detect a stopped process: its kernel still acknowledges them.
ANSWER_GRACE_SECONDS = 2.0
#: Statements are prepared when they are executed for the second time on a connection.
PREPARE_AFTER_EXECUTIONS = 1
#: The parameter of a URL that says that PgBouncer is behind it, as other programs name it too. libpq does not know it.
POOLER_PARAMETER = "pgbouncer"
#: Seconds to wait for a connection while the whole pool is in use.
POOL_TIMEOUT_SECONDS = 5.0
#: Detect a server that vanished within a minute instead of hours.
_KEEPALIVES = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


class AnsweringConnection(psycopg.Connection[Any]):
    """A connection that closes when the server does not answer in time."""

    #: Seconds to wait for any answer; None is unlimited.
    answer_timeout_seconds: float | None = None

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for a result; on time-out close the connection and raise NoAnswer."""
        if timeout is not None or self.answer_timeout_seconds is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.answer_timeout_seconds)
        except errors._WaitTimeout as error:  # noqa: SLF001 -- the only name it has
            self.pgconn.finish()
            raise NoAnswer(f"no answer within {self.answer_timeout_seconds:g} s") from error


def connect(
    database_url: str,
    *,
    connections: int,
    statement_timeout_seconds: float | None = STATEMENT_TIMEOUT_SECONDS,
) -> Engine:
    """Return an engine on psycopg 3 for a ``postgresql://`` URL.

    ``connections`` is the pool's size. It connects to servers that accept writes only, unless the URL sets
    ``target_session_attrs``. With a statement time-out of None statements are unlimited and transactions may idle:
    that is for migrations.

    ``?pgbouncer=true`` is for PgBouncer in transaction mode, where each transaction may get another session of the
    server: the time-outs are then set in each transaction, and no statement stays prepared.
    """
    url = make_url(database_url).set(drivername="postgresql+psycopg")
    is_pooled = is_behind_pooler(database_url)
    settings = session_settings(statement_timeout_seconds)
    engine = create_engine(
        url,
        # Whatever the database's default is: who waited for a lock has to see what its holder committed.
        isolation_level="READ COMMITTED",
        pool_size=connections,
        max_overflow=0,
        pool_use_lifo=True,  # few connections stay busy: their statements are prepared, their caches warm
        pool_timeout=POOL_TIMEOUT_SECONDS,
        hide_parameters=True,  # an error's text must not carry what customers sent
        connect_args={
            "target_session_attrs": url.query.get("target_session_attrs", "read-write"),
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "prepare_threshold": None if is_pooled else PREPARE_AFTER_EXECUTIONS,
            **_KEEPALIVES,
            **({} if is_pooled else {"options": as_options(settings)}),
        },
    )
    event.listen(engine, "do_connect", _answering(statement_timeout_seconds))
    event.listen(engine, "handle_error", _discard_read_only)
    if is_pooled:
        set_in_each_transaction(engine, settings)
    return engine


def is_behind_pooler(database_url: str) -> bool:
    """Whether the URL has ``?pgbouncer=true``."""
    return make_url(database_url).query.get(POOLER_PARAMETER) == "true"


def is_replaying(database_url: str) -> bool:
    """Whether the server accepts readers while it replays its log.

    It does so after a restore until its log ends, and for as long as it is a standby. False if it does not answer.
    """
    url = make_url(database_url).difference_update_query([POOLER_PARAMETER])
    try:
        with psycopg.connect(
            url.set(drivername="postgresql").render_as_string(hide_password=False),
            target_session_attrs="any",
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            autocommit=True,
        ) as connection:
            return connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
    except psycopg.Error:
        return False


def _answering(statement_timeout_seconds: float | None) -> Callable[..., AnsweringConnection]:
    """Return a listener that opens connections of bounded waits."""
    answer_timeout = statement_timeout_seconds and statement_timeout_seconds + ANSWER_GRACE_SECONDS

    def answering(_dialect: Dialect, _record: Any, arguments: Any, parameters: Any) -> AnsweringConnection:
        parameters.pop(POOLER_PARAMETER, None)
        connection = AnsweringConnection.connect(*arguments, **parameters)
        connection.answer_timeout_seconds = answer_timeout
        return connection

    return answering


def _discard_read_only(context: ExceptionContext) -> None:
    """Treat a read-only server as a disconnect, so the pool reconnects."""
    if is_read_only(context.original_exception):
        context.is_disconnect = True
