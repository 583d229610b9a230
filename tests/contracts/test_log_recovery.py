"""The newest event, and order numbers that are skipped."""

from datetime import timedelta
from uuid import uuid4

from domain.order.values import CustomerId
from domain.ports.unit_of_work import Database
from tests.contracts.stored_streams import NOON, facts, take_order

TODAY = NOON.date()


def test_the_newest_event_is_the_last_that_was_recorded(unit_of_work: Database) -> None:
    with unit_of_work.transaction() as transaction:
        assert transaction.log_recovery.newest_event() is None
    about = facts()
    take_order(unit_of_work, about, about.moved())
    with unit_of_work.transaction() as transaction:
        newest = transaction.log_recovery.newest_event()
        assert newest is not None
        last = transaction.event_store.history(about.order_id)[-1]
        assert (newest.event_id, newest.recorded_at) == (last.event_id, last.recorded_at)
        assert len(newest.sha256) == 64
        assert transaction.log_recovery.has_event(newest.event_id)
        assert not transaction.log_recovery.has_event(uuid4())


def number(unit_of_work: Database) -> str:
    with unit_of_work.transaction() as transaction:
        email = f"{uuid4()}@customer.example"
        return transaction.customers.receive(CustomerId(uuid4()), email, None, None, TODAY)[1]


def test_numbers_continue_after_skipped_ones_and_never_decrease(unit_of_work: Database) -> None:
    assert number(unit_of_work).endswith("-000001")
    with unit_of_work.transaction() as transaction:
        transaction.log_recovery.skip_order_numbers(TODAY, 7)
        transaction.log_recovery.skip_order_numbers(TODAY, 3)
        transaction.log_recovery.skip_order_numbers(TODAY + timedelta(days=1), 0)
        assert transaction.log_recovery.order_counters(TODAY) == {TODAY: 7}
        assert transaction.log_recovery.order_counters(TODAY + timedelta(days=1)) == {}
    assert number(unit_of_work).endswith("-000008")
