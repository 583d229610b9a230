"""Hashes of events on PostgreSQL, and the chaining of older logs."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.postgres import chained_events
from adapters.postgres.hash_chain import event_sha256
from adapters.postgres.schema_upgrade import upgrade
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order import events as e
from domain.order.order import Order
from domain.use_cases.audit.log_verification import verify
from tests.adapters.support.catalog import take_back
from tests.contracts.stored_streams import facts, take_order
from tests.contracts.unreadable_events import DAMAGES, spoil_in_postgres
from tests.domain.support.recording import step
from tests.waiting import eventually

#: The revision before events were chained.
UNCHAINED = "0004"

ROW: dict[str, Any] = {
    "order_id": UUID("01931000-0000-7000-8000-000000000001"),
    "version": 2,
    "event_id": UUID("01931000-0000-7000-8000-000000000002"),
    "name": "order.held.v1",
    "data": '{"reason": "requested", "note_id": null}',
    "recorded_at": datetime(2026, 11, 22, 12, tzinfo=UTC),
    "cause": "Gräfin Mariza \N{GRINNING FACE}",
    "cause_key": "person:1#1",
    "correlation_id": UUID("01931000-0000-7000-8000-000000000003"),
    "actor": "person:grace",
    "previous_sha256": "0" * 64,
}
HASHED = (
    '{"actor":"person:grace","cause":"Gräfin Mariza 😀","cause_key":"person:1#1",'
    '"correlation_id":"01931000-0000-7000-8000-000000000003","data":{"note_id":null,"reason":"requested"},'
    '"event_id":"01931000-0000-7000-8000-000000000002","name":"order.held.v1",'
    '"order_id":"01931000-0000-7000-8000-000000000001",'
    f'"previous_sha256":"{"0" * 64}","recorded_at":"2026-11-22T12:00:00.000000+00:00","version":2}}'
)


def hashes(unit_of_work: PostgresUnitOfWork, expected: int) -> list[tuple[str | None, str]]:
    """The stored chain, verified."""
    eventually(lambda: len(list(unit_of_work.chained_events())) == expected, "the whole log")
    chain = list(unit_of_work.chained_events())
    assert [event.actual_sha256 for event in chain] == [event.sha256 for event in chain]
    return [(event.previous_sha256, event.sha256) for event in chain]


def test_the_hashed_form_never_changes() -> None:
    assert event_sha256(ROW) == hashlib.sha256(HASHED.encode()).hexdigest()


def written_plainly(row: Mapping[str, Any]) -> str:
    """The hash by the standard library, which wrote the first logs."""
    contents = {name: str(value) if isinstance(value, UUID) else value for name, value in row.items()}
    contents |= {
        "data": json.loads(row["data"]),
        "recorded_at": row["recorded_at"].astimezone(UTC).isoformat(timespec="microseconds"),
    }
    line = json.dumps(contents, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(line.encode()).hexdigest()


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | st.sampled_from(["\x7f", "\x1f", "\u2028", "/", "\\", '"']),
    lambda values: st.lists(values) | st.dictionaries(TEXTS, values),
)


@given(data=st.dictionaries(TEXTS, VALUES), cause=TEXTS, recorded_at=st.datetimes(timezones=st.timezones()))
def test_every_event_has_the_hash_that_the_standard_library_computes(
    data: dict[str, Any], cause: str, recorded_at: datetime
) -> None:
    row = {**ROW, "data": json.dumps(data), "cause": cause, "recorded_at": recorded_at}
    assert event_sha256(row) == written_plainly(row)


def test_a_time_has_one_hash_in_every_time_zone() -> None:
    moved = ROW["recorded_at"].astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert event_sha256({**ROW, "recorded_at": moved}) == event_sha256(ROW)


@pytest.mark.parametrize("column", ROW)
def test_every_field_of_an_event_is_in_its_hash(column: str) -> None:
    others = {"version": 3, "data": "{}", "recorded_at": ROW["recorded_at"] + timedelta(microseconds=1)}
    assert event_sha256({**ROW, column: others.get(column, "another")}) != event_sha256(ROW)


def test_every_column_but_the_position_is_in_the_hash(own_database_url: str) -> None:
    with psycopg.connect(own_database_url) as connection:
        columns = connection.execute("SELECT * FROM events").description or []
    assert {column.name for column in columns} - set(ROW) == {"position", "txid", "sha256"}


def test_no_event_has_a_fraction_with_two_notations() -> None:
    stored = Path(__file__).with_name("stored_events.json").read_text()

    def refuse(digits: str) -> None:
        raise AssertionError(f"Keep {digits} as a whole number of a smaller unit.")

    assert json.loads(stored, parse_float=refuse)


def test_a_log_written_before_events_were_chained_gets_the_same_chain(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    events = 0
    for about in (facts(), facts(), facts(photos=3)):
        events += take_order(unit_of_work, about, *about.until_completed()[1:], about.held()).version
    long = facts()  # longer than a batch of the migration
    events += take_order(unit_of_work, long, *[long.note()] * 1100).version
    before = hashes(unit_of_work, expected=events)
    take_back(own_database_url, UNCHAINED)
    upgrade(own_database_url)
    assert hashes(unit_of_work, expected=events) == before


def test_a_log_that_was_chained_later_is_continued(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    about = facts()
    take_order(unit_of_work, about)
    take_back(own_database_url, UNCHAINED)
    upgrade(own_database_url)
    with unit_of_work.transaction() as transaction:
        transaction.event_store.append(step(transaction.event_store.load(about.order_id), about.moved()))
    (_, first), (previous, _) = hashes(unit_of_work, expected=2)
    assert previous == first


def test_the_log_is_append_only_again_after_it_was_chained(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    take_order(unit_of_work, facts())
    take_back(own_database_url, UNCHAINED)
    upgrade(own_database_url)
    with (
        psycopg.connect(own_database_url) as connection,
        pytest.raises(psycopg.errors.RestrictViolation),
    ):
        connection.execute("UPDATE events SET sha256 = repeat('0', 64)")


def test_events_of_unknown_versions_are_in_the_chain(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    about = facts()
    take_order(unit_of_work, about, about.held())
    hashes(unit_of_work, expected=2)
    row = {
        **ROW,
        "order_id": about.order_id,
        "version": 3,
        "name": "order.framed.v7",
        "data": '{"gilt": true}',
    }
    with unit_of_work.transaction() as transaction:
        row["previous_sha256"] = transaction.event_store.load(about.order_id).head
    with psycopg.connect(own_database_url) as connection:
        connection.execute(
            """INSERT INTO events (order_id, version, event_id, name, data, recorded_at, cause, cause_key,
            correlation_id, actor, previous_sha256, sha256) VALUES (%(order_id)s, %(version)s, %(event_id)s, %(name)s,
            %(data)s, %(recorded_at)s, %(cause)s, %(cause_key)s, %(correlation_id)s, %(actor)s,
            %(previous_sha256)s, %(sha256)s)""",
            {**row, "sha256": event_sha256(row)},
        )
    hashes(unit_of_work, expected=3)
    framed = list(unit_of_work.chained_events())[-1]
    assert (framed.version, framed.actual_sha256) == (3, framed.sha256)


def test_events_that_a_late_commit_may_precede_are_read_later(own_database_url: str) -> None:
    slow_order, fast_order = facts(), facts()
    with closing(PostgresUnitOfWork(own_database_url, connections=3)) as unit_of_work:
        for about in (slow_order, fast_order):
            take_order(unit_of_work, about)
        hashes(unit_of_work, expected=2)
        with unit_of_work.transaction() as slow:
            slow.event_store.append(step(slow.event_store.load(slow_order.order_id), slow_order.moved()))
            with unit_of_work.transaction() as fast:
                fast.event_store.append(step(fast.event_store.load(fast_order.order_id), fast_order.moved()))
            kept = verify(unit_of_work.chained_events())
        hashes(unit_of_work, expected=4)
        assert kept.head.events == 2
        assert (kept.findings, verify(unit_of_work.chained_events(), kept.head).findings) == ((), ())


def test_the_chain_is_streamed_through_a_cursor_of_the_server(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    take_order(unit_of_work, facts())
    hashes(unit_of_work, expected=1)
    with psycopg.connect(own_database_url) as connection:
        chain = unit_of_work.chained_events()
        assert next(chain).version == 1
        cursors = connection.execute(
            "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^(DECLARE|FETCH)'"
        ).fetchall()
    assert len(cursors) == 1
    assert list(chain) == []


def test_a_commit_on_an_order_that_was_not_loaded_finds_its_predecessor(
    unit_of_work: PostgresUnitOfWork,
) -> None:
    about = facts()
    paid: Order = take_order(unit_of_work, about)
    assert paid.head is None
    proposed: tuple[e.Event, ...] = (about.moved(), about.held())
    with unit_of_work.transaction() as transaction:
        transaction.event_store.append(step(paid, *proposed))
    (_, first), (second_follows, second), (third_follows, _) = hashes(unit_of_work, expected=3)
    assert (second_follows, third_follows) == (first, second)


def test_the_chain_of_one_order_does_not_wait_for_other_transactions(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    about = facts()
    with psycopg.connect(own_database_url) as slow:
        slow.execute("SELECT pg_current_xact_id()")  # older than what follows, and open
        take_order(unit_of_work, about, about.moved())
        chain = list(unit_of_work.chained_events(about.order_id))
        assert list(unit_of_work.chained_events()) == []
    assert [event.version for event in chain] == [1, 2]
    assert verify(chain).findings == ()


def test_processes_read_the_chain_that_one_reads(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = (facts(), facts())
    for about in orders:
        take_order(unit_of_work, about, *about.until_completed()[1:])
    tampered = orders[0].order_id
    hashes(unit_of_work, expected=sum(len(about.until_completed()) for about in orders))
    spoil_in_postgres(own_database_url, tampered, DAMAGES["damaged fields"])
    alone = list(unit_of_work.chained_events())
    assert {event.is_decodable for event in alone} == {True, False}
    monkeypatch.setattr(chained_events, "EVENTS_WORTH_PROCESSES", 1)
    monkeypatch.setattr(chained_events, "PAGE_EVENTS", 3)
    with closing(PostgresUnitOfWork(own_database_url, connections=1, processes=2)) as together:
        assert list(together.chained_events()) == alone
