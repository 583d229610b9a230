"""Concurrent payments on a real database, each webhook several times."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from adapters.system import TimeOrderedIds
from domain.signed_tokens import sha256_of
from domain.use_cases.payments.payment_events import Handled
from domain.use_cases.payments.payment_webhook import PaymentWebhook, ReceivedWebhook
from tests.adapters.support.sent_statements import sent_statements
from tests.doubles.container import InMemoryShop

THREADS = 12
PAYMENTS = 36
#: Statements of payments: inbox, lock of the sessions, sessions, orders, status, customers with numbers, commit.
STATEMENTS = 7
DIGEST = sha256_of(b"webhook event")


@pytest.fixture
def payment_webhook(unit_of_work: PostgresUnitOfWork) -> PaymentWebhook:
    return InMemoryShop(unit_of_work=unit_of_work).with_ports(ids=TimeOrderedIds()).payment_webhook


def test_many_payments_at_once_get_numbers_without_a_gap_and_each_becomes_one_order(
    unit_of_work: PostgresUnitOfWork, payment_webhook: PaymentWebhook
) -> None:
    shop = InMemoryShop(unit_of_work=unit_of_work)
    webhook_events = [shop.payment(shop.upload(b"wedding")) for _ in range(PAYMENTS)]
    with ThreadPoolExecutor(THREADS) as customers:
        # Stripe may send the same webhook twice at the same moment.
        list(
            customers.map(
                lambda webhook_event: payment_webhook.handle(webhook_event, sha256_of(b"webhook event")),
                [*webhook_events, *webhook_events],
            )
        )
    with unit_of_work.transaction() as transaction:
        numbers = sorted(order.number for order in transaction.order_queries.newest(2 * PAYMENTS))
    assert numbers == [f"20260314-{count:06}" for count in range(1, PAYMENTS + 1)]


def test_a_payment_is_recorded_in_few_round_trips(unit_of_work: PostgresUnitOfWork) -> None:
    shop = InMemoryShop(unit_of_work=unit_of_work)
    webhook_event = shop.payment(shop.upload(b"wedding", b"harvest"))
    with sent_statements() as sent:
        shop.payment_webhook.handle(webhook_event, sha256_of(b"webhook event"))
    assert len(sent) == STATEMENTS, "\n".join(sent)


def test_payments_together_are_recorded_in_as_many_round_trips_as_one(
    unit_of_work: PostgresUnitOfWork,
) -> None:
    shop = InMemoryShop(unit_of_work=unit_of_work)
    received = [
        ReceivedWebhook(shop.payment(shop.upload(b"wedding"), email=f"{guest}@customer.example"), DIGEST)
        for guest in ("adele", "bruno", "clara", "dario")
    ]
    with sent_statements() as sent:
        shop.payment_webhook.handle_paid(received)
    assert len(sent) == STATEMENTS, "\n".join(sent)
    with unit_of_work.transaction() as transaction:
        placed = transaction.order_queries.newest(10)
    assert len({order.number for order in placed}) == len(received)


def test_batches_of_the_same_payments_wait_for_each_other_and_lock_in_one_order(
    unit_of_work: PostgresUnitOfWork, payment_webhook: PaymentWebhook
) -> None:
    shop = InMemoryShop(unit_of_work=unit_of_work)
    for first in ("adele", "bruno", "clara", "dario"):
        shop.pay(shop.upload(b"harvest"), email=f"{first}@customer.example")
    received = [
        ReceivedWebhook(shop.payment(shop.upload(b"wedding"), email=f"{guest}@customer.example"), DIGEST)
        for guest in ("adele", "bruno", "clara", "dario", "elena", "fabio")
    ]
    with ThreadPoolExecutor(THREADS) as processes:
        batches = [received, received[::-1], received[3:] + received[:3]] * 4
        handled = list(processes.map(payment_webhook.handle_paid, batches))
    assert {outcome for batch in handled for outcome in batch} == {Handled.RECORDED}
    with unit_of_work.transaction() as transaction:
        numbers = sorted(order.number for order in transaction.order_queries.newest(100))
    assert numbers == [f"20260314-{count:06}" for count in range(1, 11)]


def test_a_conflicting_webhook_event_is_logged_as_an_error_once(
    unit_of_work: PostgresUnitOfWork, payment_webhook: PaymentWebhook
) -> None:
    shop = InMemoryShop(unit_of_work=unit_of_work)
    webhook_event = shop.payment(shop.upload(b"wedding"))
    with capture_logs() as logs:
        for body in (b"webhook event", b"webhook event", b"another", b"another"):
            payment_webhook.handle(webhook_event, sha256_of(body))
    assert [(line["event"], line["log_level"], line["event_id"]) for line in logs] == [
        ("webhook_conflict", "error", webhook_event.event_id)
    ]
