"""Points on a real database under concurrent use."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from threading import Barrier, Event

import psycopg
import pytest

from adapters.postgres.schema_upgrade import upgrade
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order import events as e
from domain.order.values import CustomerId
from domain.ports.customers import Customer
from domain.ports.payments import CheckoutDetails, PaymentWebhookEvent
from domain.ports.unit_of_work import Transaction
from domain.signed_tokens import sha256_of
from domain.use_cases.checkout.referrals_and_points import Codes, NoPointsError
from tests.adapters.support.catalog import take_back
from tests.adapters.support.waiting_for_locks import until_it_waits_or_ends
from tests.doubles.container import InMemoryShop
from tests.waiting import eventually

ADA, GRACE = "ada@customer.example", "grace@friends.example"
AT_ONCE = 6


@pytest.fixture
def shop(own_database_url: str) -> Iterator[InMemoryShop]:
    with closing(PostgresUnitOfWork(own_database_url, connections=AT_ONCE + 1)) as unit_of_work:
        yield InMemoryShop(unit_of_work=unit_of_work)


def customer(shop: InMemoryShop, email: str) -> Customer:
    with shop.unit_of_work.transaction() as transaction:
        found = transaction.personal_data.find(email)
    assert found is not None
    return found


def balance(shop: InMemoryShop, email: str) -> int:
    customer_id = customer(shop, email).customer_id
    with shop.unit_of_work.transaction() as transaction:
        return transaction.points_balances.balance(customer_id)


def referred(shop: InMemoryShop, email: str = GRACE) -> PaymentWebhookEvent:
    """A friend's payment with Ada's code, not handled yet."""
    session_id = shop.upload(b"wedding")
    codes = Codes(referral=customer(shop, ADA).referral_code)
    shop.checkout_service.open(session_id, email=None, codes=codes)
    return shop.payment(session_id, email=email)


def until_a_lock_is_waited_for(database_url: str) -> None:
    """Return once a transaction waits for another one."""

    def waits() -> bool:
        query = (
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        with psycopg.connect(database_url) as connection:
            return connection.execute(query).fetchone() is not None

    eventually(waits, "the payment that waits for the other one")


def all_at_once(work: Sequence[Callable[[], object]]) -> None:
    """Run work in threads that begin together; raise their errors."""
    start = Barrier(len(work))

    def begin(one: Callable[[], object]) -> None:
        start.wait(10)
        one()

    with ThreadPoolExecutor(len(work)) as threads:
        list(threads.map(begin, work))


def test_concurrent_first_orders_earn_points_once(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"harvest"))
    webhook_events = [referred(shop) for _ in range(AT_ONCE)]
    all_at_once(
        [partial(shop.payment_webhook.handle, one, sha256_of(b"webhook event")) for one in webhook_events]
    )
    assert (balance(shop, ADA), balance(shop, GRACE)) == (100, 100)


def test_concurrent_referrals_each_earn_points(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"harvest"))
    webhook_events = [referred(shop, f"friend{number}@friends.example") for number in range(AT_ONCE)]
    all_at_once(
        [partial(shop.payment_webhook.handle, one, sha256_of(b"webhook event")) for one in webhook_events]
    )
    assert balance(shop, ADA) == 100 * AT_ONCE


def test_concurrent_checkouts_reserve_the_same_points_once(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"harvest"))
    shop.payment_webhook.handle(referred(shop), sha256_of(b"webhook event"))
    ada = customer(shop, ADA)
    codes = Codes(points=ada.referral_code + shop.token_signer.points_token(ada.customer_id))
    sessions = [shop.upload(b"wedding") for _ in range(AT_ONCE)]
    refused: list[NoPointsError] = []

    def check_out(number: int) -> None:
        try:
            shop.checkout_service.open(sessions[number], email=None, codes=codes)
        except NoPointsError as refusal:
            refused.append(refusal)

    all_at_once([lambda number=number: check_out(number) for number in range(AT_ONCE)])  # type: ignore[misc]
    assert len(refused) == AT_ONCE - 1
    assert len([one for one in shop.payments.checkouts.values() if one.spending]) == 1


def test_concurrent_payments_spend_the_same_points_once(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"harvest"))
    shop.payment_webhook.handle(referred(shop), sha256_of(b"webhook event"))
    ada = customer(shop, ADA)
    codes = Codes(points=ada.referral_code + shop.token_signer.points_token(ada.customer_id))
    webhook_events = []
    for number in range(AT_ONCE):
        session_id = shop.upload(b"wedding")
        shop.checkout_service.open(session_id, email=None, codes=codes)
        webhook_events.append(shop.payment(session_id, email=f"friend{number}@friends.example"))
        shop.clock.advance(
            minutes=71
        )  # nothing is reserved any more, and the payment's webhook has not arrived
    all_at_once(
        [partial(shop.payment_webhook.handle, one, sha256_of(b"webhook event")) for one in webhook_events]
    )
    assert balance(shop, ADA) == 0


def test_payments_on_both_sides_of_midnight_spend_the_same_points_once(
    shop: InMemoryShop, own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers are counted by day, so only the owner's lock serializes."""
    shop.pay(shop.upload(b"harvest"))
    shop.payment_webhook.handle(referred(shop), sha256_of(b"webhook event"))
    ada = customer(shop, ADA)
    codes = Codes(points=ada.referral_code + shop.token_signer.points_token(ada.customer_id))
    webhook_events = []
    for number in range(2):
        session_id = shop.upload(b"wedding")
        shop.checkout_service.open(session_id, email=None, codes=codes)
        webhook_events.append(shop.payment(session_id, email=f"friend{number}@friends.example"))
        shop.clock.advance(minutes=71)  # nothing is reserved any more
    before, after = webhook_events
    follows, handled = shop.referral_program.follows, []

    def follow_past_midnight(
        transaction: Transaction,
        payment: e.PaymentReceived,
        paid: CheckoutDetails,
        referrer: CustomerId | None,
    ) -> Sequence[e.Event]:
        proposed = follows(transaction, payment, paid, referrer)
        if paid == before.checkout:
            shop.clock.advance(days=1)
            handled.append(other.submit(shop.payment_webhook.handle, after, sha256_of(b"webhook event")))
            until_it_waits_or_ends(own_database_url, handled[-1])
        return proposed

    monkeypatch.setattr(shop.referral_program, "follows", follow_past_midnight)
    with ThreadPoolExecutor(1) as other:
        shop.payment_webhook.handle(before, sha256_of(b"webhook event"))
        handled[0].result()
    numbers = [numbered(shop, webhook_event) for webhook_event in webhook_events]
    assert len({number.partition("-")[0] for number in numbers}) == 2, "they are orders of two days"
    assert balance(shop, ADA) == 0


def numbered(shop: InMemoryShop, webhook_event: PaymentWebhookEvent) -> str:
    """The number of a payment's order."""
    assert webhook_event.checkout is not None
    assert webhook_event.checkout.order_id is not None
    payment = shop.order(webhook_event.checkout.order_id).payment
    assert payment is not None
    return payment.order_number


def test_payments_that_spend_points_do_not_deadlock_with_their_owners_payments(
    shop: InMemoryShop, own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner's payment begins while the other is between its customers."""
    shop.pay(shop.upload(b"harvest"))
    shop.payment_webhook.handle(referred(shop), sha256_of(b"webhook event"))
    ada = customer(shop, ADA)
    session_id = shop.upload(b"wedding")
    codes = Codes(points=ada.referral_code + shop.token_signer.points_token(ada.customer_id))
    shop.checkout_service.open(session_id, email=None, codes=codes)
    spending = shop.payment(session_id, email=GRACE)
    owners = shop.payment(shop.upload(b"portrait"), email=ADA)
    is_between, follows = Event(), shop.referral_program.follows

    def follow_when_the_owner_waits(
        transaction: Transaction,
        payment: e.PaymentReceived,
        paid: CheckoutDetails,
        referrer: CustomerId | None,
    ) -> Sequence[e.Event]:
        if paid.spending is not None:
            is_between.set()
            until_a_lock_is_waited_for(own_database_url)
        return follows(transaction, payment, paid, referrer)

    def pay_as_the_owner() -> None:
        assert is_between.wait(10)
        shop.payment_webhook.handle(owners, sha256_of(b"webhook event"))

    monkeypatch.setattr(shop.referral_program, "follows", follow_when_the_owner_waits)
    all_at_once(
        [lambda: shop.payment_webhook.handle(spending, sha256_of(b"webhook event")), pay_as_the_owner]
    )
    assert (balance(shop, ADA), balance(shop, GRACE)) == (0, 100)


def test_existing_customers_have_a_code_each(shop: InMemoryShop, own_database_url: str) -> None:
    for number in range(3):
        shop.pay(shop.upload(b"harvest"), email=f"old{number}@customer.example")
    take_back(own_database_url, "0010")
    upgrade(own_database_url)
    codes = {customer(shop, f"old{number}@customer.example").referral_code for number in range(3)}
    assert len(codes) == 3
    assert all(len(code) == 8 for code in codes)
