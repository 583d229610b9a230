"""`events archive` on the command line: output and exit status."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from tests.contracts.stored_streams import facts, take_order
from tests.domain.support.event_builders import Facts
from tests.entrypoints.support.shell import Shell

EASTER = datetime(2025, 4, 20, tzinfo=UTC)


@pytest.fixture
def about(unit_of_work: PostgresUnitOfWork) -> Facts:
    """An order that ended at Easter 2025."""
    about = facts()
    take_order(unit_of_work, about, *about.until_completed()[1:], about.purged(), at=EASTER)
    return about


def test_finished_orders_are_archived_once(log_commands: Shell, about: Facts) -> None:
    events = len(about.until_completed()) + 1
    read = log_commands("events", "archive")
    assert (read.status, read.err) == (0, "")
    assert read.out.startswith(f"1 finished order archived, with {events} events, in ")
    again = json.loads(log_commands("events", "archive", "--json").out)
    assert {**again, "seconds": 0} == {"orders": 0, "events": 0, "in_use": 0, "seconds": 0}


@pytest.mark.usefixtures("about")
def test_an_order_is_archived_only_once_it_is_old_enough(log_commands: Shell) -> None:
    assert (
        json.loads(log_commands("events", "archive", "--before", "2025-04-20", "--json").out)["orders"] == 0
    )
    assert (
        json.loads(log_commands("events", "archive", "--before", "2025-04-21", "--json").out)["orders"] == 1
    )


def test_an_order_in_use_is_counted_as_left(
    log_commands: Shell, about: Facts, unit_of_work: PostgresUnitOfWork
) -> None:
    with unit_of_work.transaction() as transaction:
        transaction.event_store.load_locked(about.order_id)
        read = log_commands("events", "archive")
    assert read.out.splitlines()[-1] == "1 order in use just now: the next run archives what is finished."


def test_a_moment_that_is_none_is_refused(log_commands: Shell) -> None:
    read = log_commands("events", "archive", "--before", "someday")
    assert (read.status, read.err.startswith("'someday' is no moment in the past: write 7d,")) == (2, True)


@pytest.mark.usefixtures("about")
def test_a_role_without_the_right_learns_which_one_to_use(
    log_commands: Shell, own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = f"reader_{uuid4().hex}"
    with psycopg.connect(own_database_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        monkeypatch.setenv("DATABASE_URL", own_database_url.replace("postgres@", f"{role}@", 1))
        read = log_commands("events", "archive")
        connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
    assert (read.status, "permission denied" in read.err) == (1, True)
    assert read.err.endswith("): use the role that owns the shop's tables.\n")


@pytest.mark.usefixtures("about")
def test_a_log_that_is_locked_ends_the_command_with_what_to_do(
    log_commands: Shell, own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.postgres.schema.LOCK_TIMEOUT_SECONDS", 0.05)
    with psycopg.connect(own_database_url) as holder:
        holder.execute("LOCK TABLE events IN SHARE UPDATE EXCLUSIVE MODE")
        holders_process = holder.info.backend_pid
        read = log_commands("events", "archive")
    assert read.status == 1
    assert f"(the oldest is of server process {holders_process})" in read.err
    assert read.err.rstrip().endswith("run `restoreclick events archive` again.")
    assert json.loads(log_commands("events", "archive", "--json").out)["orders"] == 1
