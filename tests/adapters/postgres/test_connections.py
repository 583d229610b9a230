"""A pool keeps few connections busy, and their statements prepared."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text

from adapters.postgres.connections import PREPARE_AFTER_EXECUTIONS, connect


@pytest.fixture
def engine(own_database_url: str) -> Iterator[Engine]:
    engine = connect(own_database_url, connections=3)
    yield engine
    engine.dispose()


def test_transactions_one_after_another_use_the_connection_used_last(engine: Engine) -> None:
    with engine.begin() as released_last, engine.begin() as released_first:
        used_last = backend_of(released_last)
        assert backend_of(released_first) != used_last
    for _ in range(4):
        with engine.begin() as connection:
            assert backend_of(connection) == used_last


def test_a_statement_is_prepared_when_it_is_executed_again(engine: Engine) -> None:
    with engine.begin() as connection:
        for _ in range(PREPARE_AFTER_EXECUTIONS + 1):
            connection.exec_driver_sql("SELECT count(*) FROM events")
        prepared = connection.execute(text("SELECT statement FROM pg_prepared_statements")).scalars().all()
        assert "SELECT count(*) FROM events" in prepared


def backend_of(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
