"""Verification of the log on the command line: output, head, exit status."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from adapters.postgres.hash_chain import event_sha256
from adapters.postgres.log_archive import move
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from tests.changeable_log import changeable_log
from tests.contracts.list_reading import read_whole_log
from tests.contracts.stored_streams import NOON, facts, take_order
from tests.contracts.unreadable_events import DAMAGES, spoil_in_postgres
from tests.domain.support.event_builders import Facts
from tests.entrypoints.support.shell import Shell


@pytest.fixture
def about(unit_of_work: PostgresUnitOfWork) -> Facts:
    """An order with three events."""
    about = facts()
    take_order(unit_of_work, about, about.moved(), about.held())
    read_whole_log(unit_of_work, expected=3)
    return about


def delete_the_newest(database_url: str, about: Facts) -> None:
    with psycopg.connect(database_url) as connection, changeable_log(connection):
        connection.execute("DELETE FROM events WHERE order_id = %s AND version = 3", (about.order_id,))


def test_an_event_of_a_newer_version_is_distinguished_from_a_changed_one(
    log_commands: Shell, about: Facts, own_database_url: str, unit_of_work: PostgresUnitOfWork
) -> None:
    with unit_of_work.transaction() as transaction:
        head = transaction.event_store.load(about.order_id).head
    newer: dict[str, object] = {
        **{name: f"{name}-4" for name in ("actor", "cause", "cause_key")},
        **{name: uuid4() for name in ("event_id", "correlation_id")},
        "order_id": about.order_id,
        "version": 4,
        "name": "order.framed.v1",
        "data": "{}",
        "recorded_at": NOON,
        "previous_sha256": head,
    }
    row = {**newer, "sha256": event_sha256(newer)}
    with psycopg.connect(own_database_url) as connection:
        columns = sql.SQL(", ").join(map(sql.Identifier, row))
        values = sql.SQL(", ").join(map(sql.Placeholder, row))
        connection.execute(sql.SQL("INSERT INTO events ({}) VALUES ({})").format(columns, values), row)
    read = log_commands("events", "verify")
    assert read.status == 1
    assert read.out.startswith(
        f"Order {about.order_id}, version 4: this version of the shop does not know its name"
    )
    assert "run the version that wrote them" in read.err
    spoil_in_postgres(own_database_url, about.order_id, DAMAGES["damaged fields"])
    assert "The log is not what was recorded (3 findings)" in log_commands("events", "verify").err


@pytest.mark.usefixtures("about")
def test_an_intact_log_is_reported_with_its_head(log_commands: Shell) -> None:
    verified = log_commands("events", "verify")
    assert (verified.status, verified.err) == (0, "")
    sentence, head = verified.out.splitlines()
    assert sentence == "3 events of 1 order: each says what was recorded."
    kept = json.loads(log_commands("events", "verify", "--json").out)
    assert head == f"Head: transaction {kept['txid']}, position {kept['position']}, SHA-256 {kept['sha256']}"


def test_the_head_can_be_taken_with_nothing_but_the_database(
    log_commands: Shell, own_database_url: str, about: Facts
) -> None:
    """As ``docs/operations.md`` shows it."""
    kept = json.loads(log_commands("events", "verify", "--json").out)
    with psycopg.connect(own_database_url) as connection:
        by_hand = connection.execute(
            "SELECT encode(sha256(string_agg(sha256, '' ORDER BY txid, position)::bytea), 'hex') FROM events"
        ).fetchone()
    assert by_hand == (kept["sha256"],)
    assert kept["streams"][str(about.order_id)]["version"] == kept["events"] == 3
    assert kept["findings"] == []


@pytest.fixture
def auditor(own_database_url: str) -> Iterator[str]:
    """A role that may do what ``docs/operations.md`` grants it."""
    role = f"auditor_{uuid4().hex}"
    name = sql.Identifier(role)
    with psycopg.connect(own_database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        connection.execute(sql.SQL("GRANT SELECT ON events, alembic_version TO {}").format(name))
        yield role
        connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(name))


@pytest.mark.parametrize("is_archived", [False, True])
def test_read_access_to_the_log_suffices_to_verify_it(
    log_commands: Shell,
    own_database_url: str,
    about: Facts,
    unit_of_work: PostgresUnitOfWork,
    auditor: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_archived: bool,
) -> None:
    with unit_of_work.transaction() as transaction:
        transaction.event_store.lock(about.order_id)
        if is_archived:
            move(transaction.event_store.connection, [about.order_id])
    theirs = make_url(own_database_url).set(username=auditor).render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", theirs)
    assert log_commands("events", "verify").status == 0


def test_a_kept_head_shows_that_the_newest_event_was_removed(
    log_commands: Shell, own_database_url: str, about: Facts, tmp_path: Path
) -> None:
    head = tmp_path / "head.json"
    head.write_text(log_commands("events", "verify", "--json").out)
    unchanged = log_commands("events", "verify", "--against", str(head))
    assert unchanged.status == 0
    assert "The 3 events of the kept head are there, in their order.\n" in unchanged.out
    delete_the_newest(own_database_url, about)
    assert log_commands("events", "verify").status == 0
    changed = log_commands("events", "verify", "--against", str(head))
    assert changed.status == 1
    assert f"Order {about.order_id}, version 3: it was in the log when the head was stored" in changed.out
    assert changed.err.startswith("The log is not what was recorded (2 findings): change nothing")


def test_the_json_report_names_each_defect_and_its_place(
    log_commands: Shell, own_database_url: str, about: Facts, tmp_path: Path
) -> None:
    head = tmp_path / "head.json"
    head.write_text(log_commands("events", "verify", "--json").out)
    delete_the_newest(own_database_url, about)
    changed = log_commands("events", "verify", "--against", str(head), "--json")
    assert changed.status == 1
    _, removed = json.loads(changed.out)["findings"]
    assert removed.pop("sentence").startswith(f"Order {about.order_id}, version 3: ")
    assert removed == {
        "defect": "removed",
        "order_id": str(about.order_id),
        "version": 3,
        "last_version": 3,
    }


@pytest.mark.parametrize("content", ["", "no JSON", "{}", '{"events": "three"}', None])
def test_a_file_that_holds_no_head_is_refused(
    log_commands: Shell, content: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "head.json"
    if content is not None:
        path.write_text(content)
    refused = log_commands("events", "verify", "--against", str(path))
    assert (refused.status, refused.out) == (2, "")
    assert f"{path} holds no head of the log (" in refused.err
    assert refused.err.endswith("give a file that `events verify --json` wrote.\n")
