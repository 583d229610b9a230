"""How far the log has come, and order numbers that are skipped."""

from datetime import timedelta
from uuid import uuid4

from domain.order.values import CustomerId
from domain.ports.unit_of_work import Books
from tests.contracts.stored_streams import NOON, facts, take_order

TODAY = NOON.date()


def test_the_newest_event_is_the_last_that_was_recorded(books: Books) -> None:
    with books.transaction() as transaction:
        assert transaction.recovery.newest_event() is None
    about = facts()
    take_order(books, about, about.moved())
    with books.transaction() as transaction:
        newest = transaction.recovery.newest_event()
        assert newest is not None
        last = transaction.log.history(about.order_id)[-1]
        assert (newest.event_id, newest.recorded_at) == (last.event_id, last.recorded_at)
        assert len(newest.sha256) == 64
        assert transaction.recovery.has_event(newest.event_id)
        assert not transaction.recovery.has_event(uuid4())


def number(books: Books) -> str:
    with books.transaction() as transaction:
        email = f"{uuid4()}@customer.example"
        return transaction.customers.receive(CustomerId(uuid4()), email, None, None, TODAY)[1]


def test_numbers_go_on_after_those_that_are_skipped_and_never_back(books: Books) -> None:
    assert number(books).endswith("-000001")
    with books.transaction() as transaction:
        transaction.recovery.skip_order_numbers(TODAY, 7)
        transaction.recovery.skip_order_numbers(TODAY, 3)
        transaction.recovery.skip_order_numbers(TODAY + timedelta(days=1), 0)
        assert transaction.recovery.order_counters(TODAY) == {TODAY: 7}
        assert transaction.recovery.order_counters(TODAY + timedelta(days=1)) == {}
    assert number(books).endswith("-000008")
