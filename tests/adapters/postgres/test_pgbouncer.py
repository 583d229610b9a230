"""The shop behind PgBouncer in transaction mode."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import OperationalError

from adapters.postgres import chained_events as reading
from adapters.postgres.connections import PREPARE_AFTER_EXECUTIONS, connect
from adapters.postgres.event_codec import Codec
from adapters.postgres.schema import PooledConnectionError
from adapters.postgres.schema_upgrade import upgrade
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from benchmarks.synthetic import fill
from sandbox.processes import Supervisor
from tests import pgbouncer

pytestmark = pytest.mark.skipif(
    pgbouncer.program() is None, reason="PgBouncer is not installed (Debian: apt-get install pgbouncer)"
)


@pytest.fixture
def pooled_url(own_database_url: str, tmp_path: Path) -> Iterator[str]:
    """The database through a pool of two sessions."""
    with Supervisor() as supervisor:
        yield pgbouncer.start(supervisor, tmp_path, own_database_url, pool_size=2)


@pytest.fixture
def engine(pooled_url: str) -> Iterator[Engine]:
    engine = connect(pooled_url, connections=4)
    yield engine
    engine.dispose()


def test_a_client_executes_its_statements_in_whichever_session(engine: Engine) -> None:
    with engine.connect() as moved, engine.connect() as kept, engine.connect() as other:
        sessions = {backend_of(moved), backend_of(kept)}
        first = read_repeatedly(moved)
        moved.commit()  # psycopg forgets prepared statements at a rollback
        assert backend_of(other) == first, "the only free session"
        kept.commit()
        assert read_repeatedly(moved) == (sessions - {first}).pop()


def test_limits_hold_in_each_transaction_and_in_no_other_clients(engine: Engine, pooled_url: str) -> None:
    with engine.begin() as connection:
        assert setting(connection, "statement_timeout") == "10s"
        assert setting(connection, "idle_in_transaction_session_timeout") == "5s"
        assert setting(connection, "TimeZone") == "UTC"
    stranger = make_url(pooled_url).difference_update_query(["pgbouncer"])
    for _ in range(2):
        with psycopg.connect(stranger.render_as_string(hide_password=False)) as other:
            assert other.execute("SHOW statement_timeout").fetchone() == ("0",)


def test_a_statement_that_takes_too_long_is_cancelled(pooled_url: str) -> None:
    impatient = connect(pooled_url, connections=1, statement_timeout_seconds=0.2)
    with pytest.raises(OperationalError, match="statement timeout"), impatient.begin() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(30)")
    impatient.dispose()


def test_the_log_is_verified_by_processes_that_share_a_snapshot(
    own_database_url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(own_database_url, 3)
    monkeypatch.setattr(reading, "EVENTS_WORTH_PROCESSES", 1)
    with closing(PostgresUnitOfWork(own_database_url)) as direct:
        expected = list(direct.chained_events())
    assert list(reading.chained_by_processes(engine, Codec(), processes=2)) == expected
    assert len(expected) == 21


def test_migrations_and_rebuilds_ask_for_a_connection_of_their_own(pooled_url: str) -> None:
    with pytest.raises(PooledConnectionError, match="without \\?pgbouncer=true"):
        upgrade(pooled_url)
    with closing(PostgresUnitOfWork(pooled_url)) as unit_of_work, pytest.raises(PooledConnectionError):
        list(unit_of_work.rebuild())


def backend_of(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def setting(connection: Connection, name: str) -> str:
    return str(connection.exec_driver_sql(f"SHOW {name}").scalar_one())


def read_repeatedly(connection: Connection) -> int:
    """Execute a statement often enough to have it prepared; return its session."""
    for _ in range(PREPARE_AFTER_EXECUTIONS + 2):
        connection.exec_driver_sql("SELECT count(*) FROM events WHERE version > %s", (1,))
    return backend_of(connection)
