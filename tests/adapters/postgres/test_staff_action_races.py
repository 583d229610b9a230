"""Concurrent staff actions: refunds never exceed the payment."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order import events as e
from domain.order.states import State
from domain.order.values import Money, OrderId
from domain.use_cases.support.action_refusals import ActionRefusedError
from domain.use_cases.support.email_correction import AddressTakenError
from domain.use_cases.support.staff_requests import ActionResult, StaffRequest
from tests.doubles.container import InMemoryShop

PEOPLE = 50
#: Fewer than staff members, so that some wait for a connection.
CONNECTIONS = 20


def signed(number: int, key: str | None = None) -> StaffRequest:
    return StaffRequest(actor=f"person:{number}", reason="They asked for it on the phone.", key=key)


@pytest.fixture
def shop(own_database_url: str) -> Iterator[InMemoryShop]:
    unit_of_work = PostgresUnitOfWork(own_database_url, connections=CONNECTIONS)
    yield InMemoryShop(unit_of_work=unit_of_work)
    unit_of_work.close()


@pytest.fixture
def order_id(shop: InMemoryShop) -> OrderId:
    """An order of ten photos for 39.00 EUR that was not begun."""
    return shop.pay(shop.upload(*(b"portrait of %d" % number for number in range(10))))


def at_once(work: Callable[[int], object]) -> list[object]:
    """Run work concurrently; return its results and refusals."""
    start = Barrier(PEOPLE)

    def do(number: int) -> object:
        start.wait(timeout=30)
        try:
            return work(number)
        except (ActionRefusedError, AddressTakenError) as refusal:
            return refusal

    with ThreadPoolExecutor(PEOPLE) as people:
        return list(people.map(do, range(PEOPLE)))


def test_fifty_refunds_at_once_never_exceed_what_was_paid(shop: InMemoryShop, order_id: OrderId) -> None:
    amount = Money(amount=100, currency="EUR")
    answers = at_once(lambda number: shop.staff_actions.refund(order_id, signed(number), amount=amount))
    done = [answer for answer in answers if isinstance(answer, ActionResult)]
    refused = [answer for answer in answers if isinstance(answer, ActionRefusedError)]
    assert (len(done), len(refused)) == (39, 11)
    order = shop.order(order_id)
    ledger = order.ledger
    assert (ledger.paid, ledger.requested, ledger.refundable) == (3900, 3900, 0)
    assert order.state is State.REFUNDING
    with shop.unit_of_work.transaction() as transaction:
        notes = {note.note_id: note.actor for note in transaction.notes.of(order_id)}
        history = transaction.event_store.history(order_id)
    recorded = {
        each.event.note_id: each.actor for each in history if isinstance(each.event, e.RefundRequested)
    }
    assert recorded == notes  # each refund has its own note and actor; refused ones left none
    shop.work()
    [payment] = shop.payments.payments.values()
    assert (payment.left, len(payment.refunds)) == (0, 39)
    assert shop.order(order_id).state is State.REFUNDED


def test_fifty_repeats_of_one_command_are_one_refund(shop: InMemoryShop, order_id: OrderId) -> None:
    amount = Money(amount=100, currency="EUR")
    at_once(lambda number: shop.staff_actions.refund(order_id, signed(number, "ticket 4711"), amount=amount))
    with shop.unit_of_work.transaction() as transaction:
        assert len(transaction.notes.of(order_id)) == 1
    assert shop.order(order_id).ledger.requested == 100


def test_concurrent_changes_to_one_address_succeed_once(shop: InMemoryShop) -> None:
    orders = [
        shop.pay(shop.upload(b"wedding"), email=f"{number}@customer.example") for number in range(PEOPLE)
    ]
    answers = at_once(
        lambda number: shop.email_correction.correct(
            orders[number], signed(number), "eileen@customer.example"
        )
    )
    assert sum(isinstance(answer, AddressTakenError) for answer in answers) == PEOPLE - 1
    with shop.unit_of_work.transaction() as transaction:
        assert [len(transaction.notes.of(order_id)) for order_id in orders].count(1) == 1
