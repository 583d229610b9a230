"""Appends on PostgreSQL: cost, projections, and reading in commit order."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any

import psycopg
import pytest

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order.events import RecordedEvent
from domain.order.reactions import RestoreImage
from domain.order.values import Sha256
from domain.ports.event_store import LogCursor, UnreadableEvent
from domain.ports.unit_of_work import LeaseLostError, VersionConflictError
from tests.adapters.support.sent_statements import sent_statements
from tests.contracts.list_reading import read_whole_log
from tests.contracts.stored_streams import (
    MINUTE,
    NOON,
    ChangeOfMindError,
    claimed,
    facts,
    pay,
    rolled_back,
    schedule,
    scheduled,
    take_order,
)
from tests.domain.support.recording import step

SLOW, FAST = facts(), facts()
THREADS = 12
PAYMENTS = 120


@pytest.fixture
def unit_of_work(own_database_url: str) -> Iterator[PostgresUnitOfWork]:
    unit_of_work = PostgresUnitOfWork(own_database_url, connections=THREADS)
    yield unit_of_work
    unit_of_work.close()


def read_page(
    unit_of_work: PostgresUnitOfWork, after: LogCursor
) -> list[tuple[LogCursor, RecordedEvent | UnreadableEvent]]:
    with unit_of_work.transaction() as transaction:
        return transaction.event_store.read_all(after, 100)


def test_a_commit_is_one_statement(unit_of_work: PostgresUnitOfWork) -> None:
    about = facts()
    schedule(unit_of_work, scheduled(about))
    held = claimed(unit_of_work, scheduled(about))
    with unit_of_work.transaction() as transaction:
        whole = step(
            about.order_id,
            pay(transaction, about),
            *about.until_completed()[1:],
            reactions=[scheduled(about, RestoreImage(about.image(0), 1))],
            closes=held,
        )
        with sent_statements() as sent:
            transaction.event_store.append(whole)
    assert len(sent) == 1


def test_loading_an_order_is_one_query(unit_of_work: PostgresUnitOfWork) -> None:
    about = facts()
    take_order(unit_of_work, about, *about.until_completed()[1:])
    with unit_of_work.transaction() as transaction:
        loads: list[Callable[[], object]] = [
            lambda: transaction.event_store.load(about.order_id),
            lambda: transaction.event_store.load_by_token(about.prepared().token_sha256),
            lambda: transaction.event_store.load_by_payment(str(about.paid().payment_intent_id)),
        ]
        for load in loads:
            with sent_statements() as sent:
                assert load() is not None
            assert len(sent) == 1


@pytest.mark.parametrize(
    "unrecorded", [{"head": Sha256("0" * 64)}, {"version": 9}], ids=["another event", "no event"]
)
def test_an_order_that_the_log_does_not_hold_is_read_anew(
    unit_of_work: PostgresUnitOfWork, unrecorded: dict[str, Any]
) -> None:
    """As after a restored dump."""
    about = facts()
    paid = take_order(unit_of_work, about)
    held = replace(step(paid, about.held()).after, **{"version": 1, **unrecorded})
    with unit_of_work.transaction() as transaction:
        assert transaction.event_store.load_locked(about.order_id, held) == paid
        transaction.event_store.recent_orders.remember(held)
        assert transaction.event_store.load_repeatedly(about.order_id) == paid


def test_finding_customer_and_number_is_one_statement(unit_of_work: PostgresUnitOfWork) -> None:
    with unit_of_work.transaction() as transaction, sent_statements() as sent:
        pay(transaction, facts())
    assert len(sent) == 1


def test_an_event_that_commits_late_is_neither_skipped_nor_overtaken(
    unit_of_work: PostgresUnitOfWork,
) -> None:
    slow_order, fast_order = take_order(unit_of_work, SLOW), take_order(unit_of_work, FAST)
    *_, (cursor, _) = read_whole_log(unit_of_work, expected=2)
    with unit_of_work.transaction() as slow:
        slow.event_store.append(step(slow_order, SLOW.moved()))
        with unit_of_work.transaction() as fast:
            fast.event_store.append(step(fast_order, FAST.moved()))
        assert read_page(unit_of_work, cursor) == []
    late, next_one = read_whole_log(unit_of_work, expected=4)[2:]
    assert [late[1].order_id, next_one[1].order_id] == [SLOW.order_id, FAST.order_id]
    assert read_page(unit_of_work, cursor) == [late, next_one]


def test_an_event_is_not_skipped_when_positions_and_transactions_disagree(
    unit_of_work: PostgresUnitOfWork,
) -> None:
    slow_order, fast_order = take_order(unit_of_work, SLOW), take_order(unit_of_work, FAST)
    *_, (cursor, _) = read_whole_log(unit_of_work, expected=2)
    with unit_of_work.transaction() as slow:
        assert slow.webhook_inbox.accept("stripe", "evt_1", "charge.refunded", Sha256("0" * 64), NOON)
        with unit_of_work.transaction() as fast:
            fast.event_store.append(step(fast_order, FAST.moved()))
        slow.event_store.append(step(slow_order, SLOW.moved()))
        assert read_page(unit_of_work, cursor) == []
    first, second = read_whole_log(unit_of_work, expected=4)[2:]
    assert [first[1].order_id, second[1].order_id] == [SLOW.order_id, FAST.order_id]
    assert (first[1].position or 0) > (second[1].position or 0)


def test_a_late_rollback_delays_no_reader(unit_of_work: PostgresUnitOfWork) -> None:
    slow_order, fast_order = take_order(unit_of_work, SLOW), take_order(unit_of_work, FAST)
    with rolled_back(unit_of_work) as slow:
        slow.event_store.append(step(slow_order, SLOW.moved()))
        with unit_of_work.transaction() as fast:
            fast.event_store.append(step(fast_order, FAST.moved()))
    lines = read_whole_log(unit_of_work, expected=3)
    assert [line.order_id for _, line in lines] == [SLOW.order_id, FAST.order_id, FAST.order_id]


def test_concurrent_commits_on_one_version_are_written_once(unit_of_work: PostgresUnitOfWork) -> None:
    paid = take_order(unit_of_work, SLOW)

    def try_to_hold(_: int) -> bool:
        try:
            with unit_of_work.transaction() as transaction:
                transaction.event_store.append(step(paid, SLOW.held()))
        except VersionConflictError:
            return False
        return True

    with ThreadPoolExecutor(THREADS) as deciders:
        assert list(deciders.map(try_to_hold, range(THREADS))).count(True) == 1


def test_order_numbers_are_unique_and_gap_free_under_concurrent_payments(
    unit_of_work: PostgresUnitOfWork,
) -> None:
    chance = Random(20261122)  # noqa: S311 -- which payments fall back need not be a secret
    falls_back = [chance.random() < 0.3 for _ in range(PAYMENTS)]

    def pay_or_fall_back(payment: int) -> str | None:
        about = facts()
        with suppress(ChangeOfMindError), unit_of_work.transaction() as transaction:
            paid = pay(transaction, about)
            transaction.event_store.append(step(about.order_id, paid))
            if falls_back[payment]:
                raise ChangeOfMindError
            return paid.order_number
        return None

    with ThreadPoolExecutor(THREADS) as customers:
        numbers = [number for number in customers.map(pay_or_fall_back, range(PAYMENTS)) if number]
    assert len(numbers) == falls_back.count(False) < PAYMENTS
    assert sorted(numbers) == [f"20261122-{count:06}" for count in range(1, len(numbers) + 1)]
    with unit_of_work.transaction() as transaction:
        assert {order.number for order in transaction.order_queries.newest(PAYMENTS)} == set(numbers)


def test_a_row_has_the_time_of_its_last_write(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    paid = take_order(unit_of_work, SLOW)

    def written() -> dict[str, object]:
        with psycopg.connect(own_database_url) as connection:
            rows = connection.execute("SELECT image_id, updated_at FROM images")
            return {str(image_id): updated_at for image_id, updated_at in rows}

    before = written()
    after_moving = step(paid, SLOW.moved())
    with unit_of_work.transaction() as transaction:
        transaction.event_store.append(after_moving)
    moved = written()
    with unit_of_work.transaction() as transaction:
        transaction.event_store.append(step(after_moving.after, SLOW.restored(0)))
    restored = written()
    first, second = (str(image_id) for image_id in SLOW.images)
    assert before[first] < moved[first] < restored[first]  # type: ignore[operator]
    assert moved[second] == restored[second]


def test_a_transaction_is_rolled_back_once_a_lease_is_lost(unit_of_work: PostgresUnitOfWork) -> None:
    paid = take_order(unit_of_work, SLOW)
    schedule(unit_of_work, scheduled(SLOW))
    lost = claimed(unit_of_work, scheduled(SLOW), NOON, MINUTE)
    claimed(unit_of_work, scheduled(SLOW), NOON + MINUTE)
    with unit_of_work.transaction() as transaction, suppress(LeaseLostError):
        transaction.event_store.append(step(paid, SLOW.moved(), closes=lost))
    with unit_of_work.transaction() as transaction:
        assert transaction.event_store.load(SLOW.order_id) == paid
