from collections.abc import Iterator
from typing import LiteralString
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import RestrictViolation

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from tests.contracts.stored_streams import facts, take_order

CHANGES: dict[str, LiteralString] = {
    "update": "UPDATE events SET actor = 'nobody'",
    "update of one row": "UPDATE events SET data = '{}' WHERE version = 1",
    "upsert": "INSERT INTO events (event_id, order_id, version, name, data, recorded_at, cause, cause_key,"
    " correlation_id, actor) SELECT event_id, order_id, version, name, data, recorded_at, cause, cause_key,"
    " correlation_id, 'nobody' FROM events ON CONFLICT (event_id) DO UPDATE SET actor = 'nobody'",
    "merge": "MERGE INTO events USING (SELECT 1) AS given (version) ON given.version = events.version"
    " WHEN MATCHED THEN DELETE",
    "delete": "DELETE FROM events",
    "truncate": "TRUNCATE events",
    "truncate of all": "TRUNCATE events, orders CASCADE",
}


@pytest.fixture
def kept_url(own_database_url: str) -> str:
    """A database with an order in its log."""
    unit_of_work = PostgresUnitOfWork(own_database_url, connections=1)
    take_order(unit_of_work, facts())
    unit_of_work.close()
    return own_database_url


@pytest.fixture
def clerk(kept_url: str) -> Iterator[str]:
    """A role with every right on the log, neither superuser nor owner."""
    role = f"clerk_{uuid4().hex}"
    name = sql.Identifier(role)
    with psycopg.connect(kept_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(name))
        connection.execute(sql.SQL("GRANT ALL ON ALL TABLES IN SCHEMA public TO {}").format(name))
        connection.execute(sql.SQL("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {}").format(name))
        yield role
        connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(name))


def assert_refused(connection: psycopg.Connection, change: LiteralString) -> None:
    before = connection.execute("SELECT * FROM events").fetchall()
    with pytest.raises(RestrictViolation, match="append-only"), connection.transaction():
        connection.execute(change)
    assert connection.execute("SELECT * FROM events").fetchall() == before != []


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_log_refuses_every_change_from_a_superuser_who_owns_it(
    kept_url: str, change: LiteralString
) -> None:
    with psycopg.connect(kept_url) as connection:
        assert connection.execute(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone() == (True,)
        assert_refused(connection, change)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_log_refuses_every_change_even_without_ordinary_triggers(
    kept_url: str, change: LiteralString
) -> None:
    with psycopg.connect(kept_url) as connection:
        connection.execute("SET session_replication_role = replica")
        assert_refused(connection, change)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_log_refuses_every_change_from_a_role_with_every_right(
    kept_url: str, clerk: str, change: LiteralString
) -> None:
    with psycopg.connect(kept_url) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(clerk)))
        assert_refused(connection, change)


def test_the_log_accepts_new_events(kept_url: str) -> None:
    unit_of_work = PostgresUnitOfWork(kept_url, connections=1)
    about = facts()
    take_order(unit_of_work, about)
    with unit_of_work.transaction() as transaction:
        assert transaction.event_store.load(about.order_id).version == 1
    unit_of_work.close()


def test_a_table_of_another_role_is_no_copy_of_the_log(kept_url: str, clerk: str) -> None:
    """A temporary table hides another one of the same name."""
    with psycopg.connect(kept_url) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(clerk)))
        month = connection.execute("SELECT to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY_MM') FROM events")
        (name,) = month.fetchone() or ("",)
        connection.execute(
            sql.SQL("CREATE TEMPORARY TABLE {} AS SELECT * FROM events").format(
                sql.Identifier(f"events_{name}")
            )
        )
        assert_refused(connection, "DELETE FROM events")
