"""Archived orders are read as before, and brought back to be written."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import RestrictViolation
from sqlalchemy import Connection

from adapters.postgres import event_store, log_archive, order_snapshots, schema
from adapters.postgres.driver_sql import fetch_plain
from adapters.postgres.log_archive import ArchiveInUseError, TableInTheWayError, archive, move
from adapters.postgres.schema import EventsExistError
from adapters.postgres.schema_upgrade import downgrade
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from adapters.system import TimeOrderedIds
from domain.order import events as e
from domain.order.order import Order
from domain.order.values import NoteId, OrderId
from domain.ports.errors import UnavailableError
from domain.ports.event_store import ArchivedBatch, EventStore
from domain.ports.log_defects import DefectKind, LogDefect
from domain.ports.unit_of_work import VersionConflictError
from domain.use_cases.audit.log_verification import verify
from domain.use_cases.order_transaction import Cause
from tests.adapters.support.waiting_for_locks import until_it_waits_or_ends
from tests.changeable_log import changeable_log
from tests.contracts.list_reading import read_whole_log
from tests.contracts.stored_streams import facts, schedule, scheduled, take_order
from tests.domain.support.event_builders import Facts
from tests.domain.support.recording import step
from tests.doubles.clock import StoppedClock, SystemClock
from tests.doubles.container import InMemoryShop
from tests.waiting import eventually

MARCH = datetime(2025, 3, 31, 23, 30, tzinfo=UTC)  # April already in Berlin
APRIL = datetime(2025, 4, 2, tzinfo=UTC)
LATER = datetime(2026, 1, 1, tzinfo=UTC)


def finish(unit_of_work: PostgresUnitOfWork, *further: e.Event, until: datetime = APRIL) -> Facts:
    """An order that is paid in March and loses its photos ``until``."""
    about = facts()
    before = take_order(unit_of_work, about, *about.until_completed()[1:], at=MARCH)
    with unit_of_work.transaction() as transaction:
        transaction.event_store.append(step(before, about.purged(), *further, at=until))
    return about


def archived(database_url: str, before: datetime = LATER) -> tuple[int, int]:
    """Archive; return how many orders and events were moved."""
    batches = list(archive(database_url, before))
    return sum(each.orders for each in batches), sum(each.events for each in batches)


def set_by_default(database_url: str, setting: str, value: str) -> None:
    """Change a setting of the sessions that connect from now on."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        names = map(sql.Identifier, (connection.info.dbname, setting))
        connection.execute(sql.SQL("ALTER DATABASE {} SET {} = {}").format(*names, sql.Literal(value)))


def rows(database_url: str, query: LiteralString) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(query).fetchall()


@dataclass(frozen=True)
class Answers:
    """What every reader of the log says."""

    orders: list[list[Order] | list[Order | None]]
    histories: list[list[e.RecordedEvent]]
    log: list[e.RecordedEvent]
    chain: list[tuple[OrderId, int, str]]
    streams: dict[OrderId, list[e.RecordedEvent]]
    since: list[OrderId]


def answers(unit_of_work: PostgresUnitOfWork, orders: list[Facts]) -> Answers:
    order_ids = [about.order_id for about in orders]
    with unit_of_work.transaction() as transaction:
        store, queries = transaction.event_store, transaction.reconciliation_queries
        loaded = [store.load(order_id) for order_id in order_ids]
        links = [next(iter(order.links.values())) for order in loaded]
        return Answers(
            orders=[
                loaded,
                [store.load_repeatedly(order_id) for order_id in order_ids],
                list(store.load_all(order_ids).values()),
                [store.load_by_payment(payment_of(order)) for order in loaded],
                [store.load_by_token(link.token_sha256) for link in links],
            ],
            histories=[
                [*store.history(order_id), *store.read(order_id)]  # type: ignore[list-item]
                for order_id in order_ids
            ],
            log=[recorded for _, recorded in read_whole_log(unit_of_work)],
            chain=[
                (event.order_id, event.version, event.actual_sha256)
                for event in unit_of_work.chained_events()
            ],
            streams=queries.streams(order_ids),
            since=queries.orders_since(APRIL - timedelta(days=1)),
        )


def wait_for_the_log(unit_of_work: PostgresUnitOfWork, database_url: str) -> None:
    """Wait until readers see every event.

    Open transactions of other tests hold them back.
    """
    [(events,)] = rows(database_url, "SELECT count(*) FROM events")
    eventually(lambda: len(list(unit_of_work.chained_events())) == events, "the whole log")


def defects(unit_of_work: PostgresUnitOfWork, database_url: str) -> tuple[LogDefect, ...]:
    """What the verification of the whole log finds."""
    wait_for_the_log(unit_of_work, database_url)
    return verify(unit_of_work.chained_events()).findings


def payment_of(order: Order) -> str:
    assert order.payment is not None
    assert order.payment.payment_intent_id is not None
    return order.payment.payment_intent_id


def test_every_reader_says_the_same_of_archived_orders(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    orders = [finish(unit_of_work), finish(unit_of_work, facts().note())]
    wait_for_the_log(unit_of_work, own_database_url)
    before = answers(unit_of_work, orders)
    assert archived(own_database_url) == (2, 2 * len(orders[0].until_completed()) + 3)
    wait_for_the_log(unit_of_work, own_database_url)
    assert answers(unit_of_work, orders) == before
    assert all(answer == before.orders[0] for answer in before.orders)
    assert defects(unit_of_work, own_database_url) == ()


def test_each_event_is_in_the_table_of_its_month_in_utc(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    finish(unit_of_work)
    set_by_default(own_database_url, "timezone", "Europe/Berlin")
    archived(own_database_url)
    assert rows(
        own_database_url, "SELECT tableoid::regclass::text, count(*) FROM events GROUP BY 1 ORDER BY 1"
    ) == [
        ("events_2025_03", len(facts().until_completed())),
        ("events_2025_04", 1),
    ]


def test_reading_an_archived_order_leaves_it_where_it_is(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    orders = [finish(unit_of_work)]
    archived(own_database_url)
    answers(unit_of_work, orders)
    assert rows(own_database_url, "SELECT FROM ONLY events") == []


READERS: dict[str, Callable[[EventStore, Order], object]] = {
    "loaded": lambda store, order: store.load(order.order_id),
    "loaded repeatedly": lambda store, order: store.load_repeatedly(order.order_id),
    "loaded by its link": lambda store, order: store.load_by_token(
        next(iter(order.links.values())).token_sha256
    ),
    "loaded by its payment": lambda store, order: store.load_by_payment(payment_of(order)),
    "its history": lambda store, order: store.history(order.order_id),
    "read": lambda store, order: store.read(order.order_id),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_an_order_that_comes_back_while_it_is_looked_for_is_found(
    unit_of_work: PostgresUnitOfWork,
    own_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    read: Callable[[EventStore, Order], object],
) -> None:
    about = finish(unit_of_work)
    current = load(unit_of_work, about)
    archived(own_database_url)
    pending = [lambda: note(unit_of_work, about, "late")]

    def fetch(
        connection: Connection, statement: str, parameters: Mapping[str, object]
    ) -> list[tuple[Any, ...]]:
        found = fetch_plain(connection, statement, parameters)
        while pending:
            pending.pop()()
        return found

    for module in (event_store, order_snapshots):
        monkeypatch.setattr(module, "fetch_plain", fetch)
    with unit_of_work.transaction() as transaction:
        found = read(transaction.event_store, current)
    monkeypatch.undo()
    assert pending == []
    with unit_of_work.transaction() as transaction:
        assert found == read(transaction.event_store, current)


UNFINISHED: dict[str, Callable[[Facts], tuple[e.Event, ...]]] = {
    "held": lambda about: (about.held(),),
    "disputed": lambda about: (about.disputed(),),
    "asked about": lambda about: (about.disputed(is_inquiry=True),),
}


@pytest.mark.parametrize("events", UNFINISHED.values(), ids=UNFINISHED)
def test_an_order_that_waits_for_someone_is_not_archived(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, events: Callable[[Facts], tuple[e.Event, ...]]
) -> None:
    about = facts()
    before = take_order(unit_of_work, about, *about.until_completed()[1:], about.purged(), at=MARCH)
    record(unit_of_work, before, *events(about))
    assert archived(own_database_url) == (0, 0)


def test_an_order_at_work_or_with_photos_or_with_a_recent_event_is_not_archived(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    at_work, with_photos = facts(), facts()
    take_order(unit_of_work, at_work, *at_work.until_ready()[1:], at=MARCH)
    take_order(unit_of_work, with_photos, *with_photos.until_completed()[1:], at=MARCH)
    finish(unit_of_work, until=LATER)
    assert archived(own_database_url) == (0, 0)


def test_an_order_with_an_open_reaction_is_not_archived(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    schedule(unit_of_work, scheduled(finish(unit_of_work)))
    assert archived(own_database_url) == (0, 0)


def test_a_refunded_order_and_an_erased_one_are_archived(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    refunded = facts()
    full = refunded.price * refunded.photos
    before = take_order(
        unit_of_work, refunded, refunded.refund_requested(full), refunded.refund_issued(full), at=MARCH
    )
    record(unit_of_work, before, refunded.purged(), at=APRIL)
    erased = facts()
    before = take_order(unit_of_work, erased, *erased.until_completed()[1:], at=MARCH)
    record(unit_of_work, before, erased.erased(), at=APRIL)
    assert archived(own_database_url)[0] == 2


def test_many_batches_move_every_order_once(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_archive, "BATCH_ORDERS", 2)
    for _ in range(5):
        finish(unit_of_work)
    moved = list(archive(own_database_url, LATER))
    assert [each.orders for each in moved] == [2, 2, 1]
    assert archived(own_database_url) == (0, 0)


def test_a_late_event_brings_an_order_back_and_it_is_archived_again(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    about = finish(unit_of_work)
    before = load(unit_of_work, about)
    archived(own_database_url)
    note(unit_of_work, about, "late")
    assert rows(own_database_url, "SELECT count(*) FROM ONLY events") == [(before.version + 1,)]
    assert rows(own_database_url, "SELECT count(*) FROM events") == [(before.version + 1,)]
    assert load(unit_of_work, about).version == before.version + 1
    assert archived(own_database_url, datetime.now(UTC) + timedelta(days=1)) == (1, before.version + 1)
    assert defects(unit_of_work, own_database_url) == ()


def test_an_archived_order_whose_read_models_are_lost_is_written_to_as_before(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    about = finish(unit_of_work)
    before = load(unit_of_work, about)
    archived(own_database_url)
    with psycopg.connect(own_database_url) as connection:
        connection.execute("DELETE FROM orders")
    [recorded] = note(unit_of_work, about, "late")
    assert recorded.version == before.version + 1
    assert defects(unit_of_work, own_database_url) == ()


def test_a_cause_that_an_archived_order_records_counts_once(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    about = finish(unit_of_work)
    note(unit_of_work, about, "once", at=APRIL)
    version = load(unit_of_work, about).version
    assert archived(own_database_url) == (1, version)
    assert note(unit_of_work, about, "once") == ()
    assert load(unit_of_work, about).version == version


def test_a_writer_who_did_not_lock_an_archived_order_is_refused(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    about = finish(unit_of_work)
    current = load(unit_of_work, about)
    archived(own_database_url)
    stale = Order(order_id=about.order_id)
    for known in (current, replace(stale, version=3, head=current.head)):
        with pytest.raises(VersionConflictError) as refused, unit_of_work.transaction() as transaction:
            transaction.event_store.append(replace(step(known, about.note()), after=current))
        assert refused.value.order_id == about.order_id
    assert load(unit_of_work, about) == current


def test_an_order_that_someone_writes_to_without_a_lock_stays_whole(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    about = finish(unit_of_work)
    with unit_of_work.transaction() as transaction:
        current = transaction.event_store.load(about.order_id)
        transaction.event_store.append(step(current, about.note(), at=APRIL))
        assert list(archive(own_database_url, LATER)) == [ArchivedBatch(orders=0, events=0, in_use=1)]
    assert rows(own_database_url, "SELECT count(*) FROM ONLY events") == [(current.version + 1,)]


def test_a_writer_who_does_not_lock_is_refused_while_the_order_is_archived(
    unit_of_work: PostgresUnitOfWork,
) -> None:
    about = finish(unit_of_work)
    current = load(unit_of_work, about)
    with unit_of_work.transaction() as transaction:
        transaction.event_store.lock(about.order_id)
        move(transaction.event_store.connection, [about.order_id])
        with pytest.raises(VersionConflictError), unit_of_work.transaction() as other:
            other.event_store.append(step(current, about.note()))
    assert load(unit_of_work, about) == current


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_who_writes_with_an_older_snapshot_is_refused(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, isolation: LiteralString
) -> None:
    """Others may, by hand or as an older version."""
    about = finish(unit_of_work)
    current = load(unit_of_work, about)

    def write() -> None:
        with unit_of_work.transaction() as transaction:
            transaction.event_store.connection.exec_driver_sql(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
            assert transaction.event_store.load(about.order_id) == current
            assert archived(own_database_url)[0] == 1
            transaction.event_store.append(step(current, about.note()))

    with pytest.raises(UnavailableError) as refused:
        write()
    assert "SerializationFailure" in str(refused.value.__cause__)
    assert load(unit_of_work, about) == current


def test_an_order_that_is_being_written_to_is_left_for_the_next_time(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    about = finish(unit_of_work)
    with unit_of_work.transaction() as transaction:
        transaction.event_store.load_locked(about.order_id)
        assert list(archive(own_database_url, LATER)) == [ArchivedBatch(orders=0, events=0, in_use=1)]
    assert archived(own_database_url)[0] == 1


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
def test_a_writer_who_waited_for_the_archive_gets_the_whole_order(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, isolation: str
) -> None:
    set_by_default(own_database_url, "default_transaction_isolation", isolation)
    about = finish(unit_of_work)
    current = load(unit_of_work, about)
    with ThreadPoolExecutor(1) as hands, unit_of_work.transaction() as transaction:
        transaction.event_store.lock(about.order_id)
        assert move(transaction.event_store.connection, [about.order_id]) == current.version
        waiting = hands.submit(note, unit_of_work, about, "waited")
        until_it_waits_or_ends(own_database_url, waiting)
    [recorded] = waiting.result()
    assert recorded.version == current.version + 1
    assert rows(own_database_url, "SELECT count(*) FROM ONLY events") == [(recorded.version,)]


LOSSES: dict[str, LiteralString] = {
    "deleted": "DELETE FROM events",
    "deleted from its month": "DELETE FROM events_2025_03",
    "changed": "UPDATE events SET actor = 'nobody'",
    "changed in its month": "UPDATE events_2025_03 SET actor = 'nobody'",
    "truncated": "TRUNCATE events_2025_03",
    "copied back, then deleted twice": """INSERT INTO events OVERRIDING SYSTEM VALUE SELECT * FROM events;
        DELETE FROM events""",
    "replaced by another": """INSERT INTO events (position, txid, event_id, order_id, version, name, data, recorded_at,
            cause, cause_key, correlation_id, actor, previous_sha256, sha256) OVERRIDING SYSTEM VALUE
        SELECT position, txid, event_id, order_id, version, name, '{}', recorded_at,
            cause, cause_key, correlation_id, actor, previous_sha256, sha256 FROM events;
        DELETE FROM events_2025_03""",
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("role", ["origin", "replica"])
def test_an_archived_event_can_neither_be_changed_nor_lost(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, loss: LiteralString, role: LiteralString
) -> None:
    finish(unit_of_work)
    archived(own_database_url)
    before = rows(own_database_url, "SELECT * FROM events ORDER BY position")
    with psycopg.connect(own_database_url) as connection:
        connection.execute(f"SET session_replication_role = {role}")
        with pytest.raises(RestrictViolation, match="append-only"), connection.transaction():
            connection.execute(loss)
    assert rows(own_database_url, "SELECT * FROM events ORDER BY position") == before != []


SPLITS: dict[str, LiteralString] = {
    "a new one, only in its month": """INSERT INTO events_2025_03 SELECT 0, txid, gen_random_uuid(), order_id, 99, name,
            data, recorded_at, cause, 'new', correlation_id, actor, sha256, sha256 FROM events WHERE version = 1""",
    "one of another order, only in its month": """INSERT INTO events_2025_03 SELECT 0, txid, gen_random_uuid(),
            gen_random_uuid(), version, name, data, recorded_at, cause, cause_key, correlation_id, actor,
            previous_sha256, sha256 FROM events WHERE version = 1""",
    "half brought back": """INSERT INTO events OVERRIDING SYSTEM VALUE SELECT * FROM events WHERE version < 3;
        DELETE FROM events_2025_03 WHERE version < 3""",
    "half brought back, through all tables": """INSERT INTO events OVERRIDING SYSTEM VALUE
            SELECT * FROM events WHERE version < 3;
        DELETE FROM events WHERE version < 3 AND tableoid <> 'events'::regclass""",
    "brought back, and half archived again": """SELECT FROM locked_stream((SELECT order_id FROM events LIMIT 1));
        INSERT INTO events_2025_03 SELECT * FROM ONLY events WHERE version < 3;
        DELETE FROM ONLY events WHERE version < 3""",
}


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_no_event_of_an_order_can_be_apart_from_the_others(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, split: LiteralString
) -> None:
    about = finish(unit_of_work)
    current = load(unit_of_work, about)
    archived(own_database_url)
    with (
        psycopg.connect(own_database_url) as connection,
        pytest.raises(RestrictViolation, match="append-only"),
        connection.transaction(),
    ):
        connection.execute(split)
    assert load(unit_of_work, about) == current


def test_a_table_that_has_the_name_of_a_month_by_chance_receives_nothing(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    about = finish(unit_of_work)
    current = load(unit_of_work, about)
    with psycopg.connect(own_database_url) as connection:
        connection.execute("CREATE TABLE events_2025_03 (LIKE events)")
    with pytest.raises(TableInTheWayError, match="'events_2025_03' is in the way"):
        archived(own_database_url)
    assert rows(own_database_url, "SELECT FROM events_2025_03") == []
    assert load(unit_of_work, about) == current


def test_two_transactions_cannot_delete_an_event_and_its_copy(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    finish(unit_of_work)
    archived(own_database_url)
    before = rows(own_database_url, "SELECT count(*) FROM events")
    with psycopg.connect(own_database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO events OVERRIDING SYSTEM VALUE SELECT * FROM events")

    def delete_the_copies() -> None:
        with psycopg.connect(own_database_url) as other:
            other.execute("DELETE FROM ONLY events")

    with ThreadPoolExecutor(1) as hands:
        with psycopg.connect(own_database_url) as connection:
            connection.execute("DELETE FROM events WHERE tableoid <> 'events'::regclass")
            waiting = hands.submit(delete_the_copies)
            until_it_waits_or_ends(own_database_url, waiting)
        assert isinstance(waiting.exception(), psycopg.Error)
    assert rows(own_database_url, "SELECT count(*) FROM events") == before


def test_an_event_that_is_in_both_places_is_found(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    about = finish(unit_of_work)
    archived(own_database_url)
    with psycopg.connect(own_database_url) as connection:
        connection.execute(
            "INSERT INTO events OVERRIDING SYSTEM VALUE SELECT * FROM events WHERE version = 1"
        )
    found = defects(unit_of_work, own_database_url)
    assert [(each.defect, each.order_id, each.version) for each in found] == [
        (DefectKind.REPEATED, about.order_id, 1)
    ]


def test_a_forged_archived_event_is_found(unit_of_work: PostgresUnitOfWork, own_database_url: str) -> None:
    about = finish(unit_of_work)
    archived(own_database_url)
    with psycopg.connect(own_database_url) as connection, changeable_log(connection):
        connection.execute("UPDATE events SET actor = 'person:mallory' WHERE version = 2")
    found = defects(unit_of_work, own_database_url)
    assert [(each.defect, each.order_id, each.version) for each in found] == [
        (DefectKind.CONTENTS_CHANGED, about.order_id, 2)
    ]


def test_the_read_models_are_rebuilt_from_archived_orders(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    orders = {finish(unit_of_work).order_id for _ in range(3)}
    archived(own_database_url)
    before = rows(own_database_url, "SELECT order_id, version, state, paid_amount FROM orders ORDER BY 1")
    assert set(unit_of_work.rebuild()) == orders
    assert (
        rows(own_database_url, "SELECT order_id, version, state, paid_amount FROM orders ORDER BY 1")
        == before
    )


def test_a_schema_with_archived_orders_is_not_taken_back(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    finish(unit_of_work)
    archived(own_database_url)
    with pytest.raises(EventsExistError):
        downgrade(own_database_url)


def test_a_log_that_stays_locked_ends_the_archive_with_a_reason(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "LOCK_TIMEOUT_SECONDS", 0.05)
    finish(unit_of_work)
    with psycopg.connect(own_database_url) as holder:
        holder.execute("LOCK TABLE events IN SHARE UPDATE EXCLUSIVE MODE")
        with pytest.raises(ArchiveInUseError, match=f"server process {holder.info.backend_pid}"):
            archived(own_database_url)
    assert archived(own_database_url)[0] == 1


def load(unit_of_work: PostgresUnitOfWork, about: Facts) -> Order:
    with unit_of_work.transaction() as transaction:
        return transaction.event_store.load(about.order_id)


def record(unit_of_work: PostgresUnitOfWork, before: Order, *events: e.Event, at: datetime = MARCH) -> None:
    with unit_of_work.transaction() as transaction:
        transaction.event_store.append(step(before, *events, at=at))


def note(
    unit_of_work: PostgresUnitOfWork, about: Facts, key: str, at: datetime | None = None
) -> Sequence[e.RecordedEvent]:
    """Add a note as the shop does; return what it recorded."""
    clock = StoppedClock(at) if at else SystemClock()
    shop = InMemoryShop(unit_of_work=unit_of_work).with_ports(clock=clock, ids=TimeOrderedIds())
    cause = Cause(name="a note", key=key, actor="person:grace", correlation_id=uuid4())
    return shop.command_handler.handle(about.order_id, [e.NoteAdded(note_id=NoteId(uuid4()))], cause).events
