"""Payments that one transaction records."""

from dataclasses import replace
from uuid import uuid4

import pytest

from domain.order.states import State
from domain.order.values import CustomerId, Money, UploadSessionId
from domain.ports.payments import PaymentEventKind
from domain.referral_program import Spending
from domain.signed_tokens import sha256_of
from domain.use_cases.payments.payment_events import Handled
from domain.use_cases.payments.payment_webhook import ReceivedWebhook, independent, is_payment
from tests.doubles.container import InMemoryShop

DIGEST = sha256_of(b"webhook event")
SPENDING = Spending(
    customer_id=CustomerId(InMemoryShop().ids.new()),
    points=100,
    discount=Money(amount=100, currency="EUR"),
)


def paid_by(shop: InMemoryShop, name: str, **details: object) -> ReceivedWebhook:
    """A payment, not handled yet."""
    session_id = shop.upload(name.encode())
    return ReceivedWebhook(shop.payment(session_id, email=f"{name}@customer.example", **details), DIGEST)


def numbers(shop: InMemoryShop) -> list[str]:
    payments = (order.payment for order in shop.own_unit_of_work.pages.orders.values())
    return sorted(payment.order_number for payment in payments if payment is not None)


def test_each_of_them_is_an_order_and_wakes_its_work(shop: InMemoryShop) -> None:
    received = [paid_by(shop, name) for name in ("adele", "bruno", "clara")]
    assert shop.payment_webhook.handle_paid(received) == [Handled.RECORDED] * 3
    assert numbers(shop) == [f"20260314-{count:06}" for count in (1, 2, 3)]
    shop.work()
    shop.end_predictions()
    shop.work()
    states = {order.state for order in shop.own_unit_of_work.pages.orders.values()}
    assert states == {State.COMPLETED}


def test_handled_again_they_change_nothing(shop: InMemoryShop) -> None:
    received = [paid_by(shop, name) for name in ("adele", "bruno")]
    shop.payment_webhook.handle_paid(received)
    before = shop.own_unit_of_work.pages
    assert shop.payment_webhook.handle_paid([*received[::-1]]) == [Handled.RECORDED] * 2
    assert shop.own_unit_of_work.pages == before


def test_one_of_another_shop_is_left_out(shop: InMemoryShop) -> None:
    ours, other = (
        paid_by(shop, "adele"),
        paid_by(
            shop,
            "bruno",
            payment_token=None,
            upload_session_id=UploadSessionId(uuid4()),
            checkout_session_id="cs_of_another_shop",
        ),
    )
    assert shop.payment_webhook.handle_paid([other, ours]) == [Handled.OF_ANOTHER_SHOP, Handled.RECORDED]
    assert len(numbers(shop)) == len(shop.own_unit_of_work.pages.inbox) == 1


def test_one_that_cannot_become_an_order_is_quarantined_alone(shop: InMemoryShop) -> None:
    lost, ours = paid_by(shop, "adele"), paid_by(shop, "bruno")
    assert lost.event.checkout is not None
    shop.clock.advance(days=30)
    shop.upload_cleanup.tidy()
    fresh = paid_by(shop, "clara")
    assert shop.payment_webhook.handle_paid([lost, ours, fresh]) == [Handled.RECORDED] * 3
    assert len(numbers(shop)) == 1
    assert len(shop.own_unit_of_work.pages.unmatched) == 2


@pytest.mark.parametrize(
    "other",
    [
        lambda first, second: second._replace(event=replace(second.event, event_id=first.event.event_id)),
        lambda first, second: second._replace(event=replace(first.event, event_id=second.event.event_id)),
        lambda first, second: second._replace(
            event=replace(
                second.event,
                checkout=replace(second.event.checkout, email=first.event.checkout.email.upper()),
            )
        ),
    ],
    ids=["one event", "one session", "one customer"],
)
def test_what_depends_on_an_earlier_one_comes_after_it(shop: InMemoryShop, other: object) -> None:
    first, second, third = (paid_by(shop, name) for name in ("adele", "bruno", "clara"))
    second = other(first, second)  # type: ignore[operator]
    assert independent([first, second, third], 16) == [0, 2]
    assert independent([second, third], 16) == [0, 1]


def test_what_depends_on_one_that_waits_waits_too(shop: InMemoryShop) -> None:
    first, second = paid_by(shop, "adele"), paid_by(shop, "bruno")
    assert first.event.checkout is not None
    both = first._replace(
        event=replace(second.event, checkout=replace(first.event.checkout, email="bruno@customer.example"))
    )
    assert independent([first, both, second], 16) == [0]


def test_one_that_spends_points_comes_alone(shop: InMemoryShop) -> None:
    first, spending, third = (
        paid_by(shop, "adele"),
        paid_by(shop, "bruno", spending=SPENDING),
        paid_by(shop, "clara"),
    )
    assert independent([first, spending, third], 16) == [0]
    assert independent([spending, third], 16) == [0]


def test_no_more_than_the_limit_come_together(shop: InMemoryShop) -> None:
    received = [paid_by(shop, f"guest{count}") for count in range(5)]
    assert independent(received, 3) == [0, 1, 2]


def test_only_a_payment_that_was_made_needs_no_look_at_the_provider(shop: InMemoryShop) -> None:
    paid = paid_by(shop, "adele").event
    assert is_payment(paid)
    assert not is_payment(replace(paid, kind=PaymentEventKind.PENDING))
    assert not is_payment(replace(paid, checkout=None))
