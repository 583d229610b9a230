"""A test gets an empty database with the newest schema."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from psycopg import errors

from tests.databases import EmptiedDatabase


@pytest.fixture
def database(postgres_url: str) -> Iterator[EmptiedDatabase]:
    with closing(EmptiedDatabase(postgres_url)) as database:
        yield database


def _left_by(database: EmptiedDatabase, statement: str) -> str:
    """The URL of the database in which a test ran a statement."""
    with database.on_loan() as url, psycopg.connect(url) as connection:
        connection.execute(statement)
    return url


def test_rows_are_deleted_and_numbers_start_again(database: EmptiedDatabase) -> None:
    left = _left_by(
        database, "INSERT INTO usage_totals VALUES ('photos', now(), nextval('events_position_seq'))"
    )

    with database.on_loan() as url, psycopg.connect(url) as connection:
        assert url == left
        assert connection.execute("SELECT count(*) FROM usage_totals").fetchone() == (0,)
        assert connection.execute("SELECT nextval('events_position_seq')").fetchone() == (1,)


def test_the_log_still_refuses_changes(database: EmptiedDatabase) -> None:
    _left_by(database, "SELECT 1")

    with (
        database.on_loan() as url,
        psycopg.connect(url) as connection,
        pytest.raises(errors.RestrictViolation),
    ):
        connection.execute("TRUNCATE events")


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE left_behind ()",
        "ALTER TABLE events DISABLE TRIGGER events_append_only",
        "ALTER TABLE usage_totals ALTER COLUMN amount DROP NOT NULL",
        "DROP TABLE usage_totals",
        "DROP TABLE schema_compatibility",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = 65', current_database()); END $$",
        "UPDATE alembic_version SET version_num = '0001'",
    ],
)
def test_after_a_change_of_the_schema_the_database_is_new(database: EmptiedDatabase, change: str) -> None:
    left = _left_by(database, change)

    with database.on_loan() as url:
        assert url != left


def test_a_database_that_is_gone_is_replaced(database: EmptiedDatabase, postgres_url: str) -> None:
    with database.on_loan() as left, psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{left.partition("?")[0].rpartition("/")[2]}" WITH (FORCE)')

    with database.on_loan() as url:
        assert url != left


def test_no_session_of_a_test_outlives_it(database: EmptiedDatabase) -> None:
    with database.on_loan() as url:
        session = psycopg.connect(url)
        session.execute("LOCK TABLE events")

    with pytest.raises(psycopg.OperationalError, match="terminating connection"):
        session.execute("SELECT 1")
    session.close()
