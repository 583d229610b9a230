"""Commands that read the whole log continue past an unreadable event."""

import json

import pytest

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from tests.contracts.list_reading import read_whole_log
from tests.contracts.stored_streams import facts, take_order
from tests.contracts.unreadable_events import DAMAGES, spoil_in_postgres
from tests.domain.support.event_builders import Facts
from tests.entrypoints.support.shell import Shell


@pytest.fixture
def spoiled(unit_of_work: PostgresUnitOfWork, own_database_url: str) -> Facts:
    """The first of two orders; its first event has an unknown name."""
    about, other = facts(), facts()
    take_order(unit_of_work, about, about.moved())
    take_order(unit_of_work, other)
    read_whole_log(unit_of_work, expected=3)
    spoil_in_postgres(own_database_url, about.order_id, DAMAGES["unknown name"])
    return about


def test_the_tail_of_the_log_names_the_event_and_goes_on(log_commands: Shell, spoiled: Facts) -> None:
    read = log_commands("events", "tail")
    first, *others = read.out.splitlines()
    assert read.status == 0
    assert f"{spoiled.order_id}    1  order.framed.v1 " in first
    assert first.endswith(
        "cannot be decoded (position 1): its log holds order.framed.v1; run the version that wrote it"
    )
    assert [line.split()[4] for line in others] == ["ImagesMoved", "PaymentReceived"]


def test_programs_get_the_event_as_a_line_of_json(log_commands: Shell, spoiled: Facts) -> None:
    lines = [json.loads(line) for line in log_commands("events", "tail", "--json").out.splitlines()]
    assert [line["type"] for line in lines] == ["UnreadableEvent", "ImagesMoved", "PaymentReceived"]
    assert {
        name: lines[0][name] for name in ("order_id", "version", "position", "stored_name", "detail")
    } == {
        "order_id": str(spoiled.order_id),
        "version": 1,
        "position": 1,
        "stored_name": "order.framed.v1",
        "detail": "its log holds order.framed.v1; run the version that wrote it",
    }
    assert "number" not in lines[0]


def test_the_history_of_such_an_order_has_a_line_an_event(log_commands: Shell, spoiled: Facts) -> None:
    history = log_commands("orders", "history", str(spoiled.order_id))
    assert history.status == 0
    assert [line.split()[4] for line in history.out.splitlines()] == ["order.framed.v1", "ImagesMoved"]
    lines = log_commands("orders", "history", str(spoiled.order_id), "--json").out.splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["UnreadableEvent", "ImagesMoved"]


def test_a_rebuild_names_the_order_it_left_out_and_ends_with_1(log_commands: Shell, spoiled: Facts) -> None:
    rebuilt = log_commands("db", "rebuild")
    summary, left_out = rebuilt.out.strip().splitlines()
    assert rebuilt.status == 1
    assert summary.startswith("The read models of 1 order are written anew")
    assert left_out == (
        f"Order {spoiled.order_id} was left out: its log holds order.framed.v1; run the version that wrote it."
    )
    assert rebuilt.err == (
        "1 order left out, whose rows stay as they were: do what is said above, then run `restoreclick db rebuild` "
        "again.\n"
    )
