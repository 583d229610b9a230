"""Concurrent work on one order, serialized by its lock."""

from concurrent.futures import Future, ThreadPoolExecutor
from uuid import uuid4

import psycopg

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from adapters.system import TimeOrderedIds
from domain.order import events as e
from domain.order.values import NoteId, OrderId
from domain.ports.event_store import LogCursor
from domain.ports.unit_of_work import Transaction
from domain.use_cases.order_transaction import Cause, OrderTransaction
from tests.contracts.stored_streams import take_order
from tests.domain.support.event_builders import Facts
from tests.doubles.clock import SystemClock
from tests.doubles.container import InMemoryShop
from tests.waiting import eventually

HANDS = 16
NOTES = 10
_WAITING_LOCKS = """SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"""


def write_many_notes(unit_of_work: PostgresUnitOfWork) -> OrderId:
    """An order with HANDS times NOTES notes, written concurrently."""
    about = Facts()
    take_order(unit_of_work, about)
    shop = InMemoryShop(unit_of_work=unit_of_work).with_ports(clock=SystemClock(), ids=TimeOrderedIds())

    def write_notes(hand: int) -> None:
        for number in range(NOTES):
            cause = Cause(name="a note", key=f"{hand}:{number}", actor="person:grace", correlation_id=uuid4())
            shop.command_handler.handle(about.order_id, [e.NoteAdded(note_id=NoteId(uuid4()))], cause)

    with ThreadPoolExecutor(HANDS) as hands:
        list(hands.map(write_notes, range(HANDS)))
    return about.order_id


def test_concurrent_notes_on_one_order_are_all_recorded(unit_of_work: PostgresUnitOfWork) -> None:
    order_id = write_many_notes(unit_of_work)
    with unit_of_work.transaction() as transaction:
        assert len(transaction.event_store.history(order_id)) == 1 + HANDS * NOTES


def test_a_streams_events_are_in_the_log_in_version_order(unit_of_work: PostgresUnitOfWork) -> None:
    write_many_notes(unit_of_work)
    versions: list[int] = []
    cursor = LogCursor()

    def read_on() -> bool:
        nonlocal cursor
        with unit_of_work.transaction() as transaction:
            page = transaction.event_store.read_all(cursor, 50)
        versions.extend(recorded.version for _, recorded in page)
        cursor = page[-1][0] if page else cursor
        return len(versions) > HANDS * NOTES

    eventually(read_on, "the whole log")
    assert versions == list(range(1, 2 + HANDS * NOTES))


def test_an_order_is_read_after_its_lock_was_waited_for(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    about = Facts()
    take_order(unit_of_work, about)
    shop = InMemoryShop(unit_of_work=unit_of_work).with_ports(clock=SystemClock(), ids=TimeOrderedIds())

    def version_read() -> int:
        with unit_of_work.transaction() as transaction:
            return transaction.event_store.load_locked(about.order_id).version

    def waits_for_the_lock() -> bool:
        with psycopg.connect(own_database_url) as connection:
            return connection.execute(_WAITING_LOCKS).fetchone() == (1,)

    def note_while_another_waits(transaction: OrderTransaction[Transaction]) -> Future[int]:
        order = transaction.load(about.order_id)
        other = hands.submit(version_read)
        eventually(waits_for_the_lock, "the other transaction")
        cause = Cause(name="a note", key="first", actor="person:grace", correlation_id=uuid4())
        transaction.record(order, [e.NoteAdded(note_id=NoteId(uuid4()))], cause)
        return other

    with ThreadPoolExecutor(1) as hands:
        assert shop.command_handler.transact(note_while_another_waits).result() == 2
