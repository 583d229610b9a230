"""Webhooks of Stripe's twin, delivered unchanged in the order a test chooses."""

import pytest

from domain.order.states import State
from domain.order.values import HoldReason, Money
from domain.ports.upload_sessions import UploadStatus
from domain.unmatched_payment import UnmatchedStatus
from tests.contracts.test_payments import expire_at, pay_at, refund_at, settle_at
from tests.entrypoints.support.http_fixtures import PORTRAIT
from tests.entrypoints.support.stripe_account import Till


def three_days_pass(till: Till) -> None:
    till.shop.clock.advance(days=3)
    till.twin.turn(clock_ahead_seconds=3 * 24 * 3600)
    till.shop.upload_cleanup.tidy()


def test_a_debit_that_clears_three_days_later_is_an_order_of_the_photos_kept_meanwhile(till: Till) -> None:
    session_id = till.shop.upload(PORTRAIT)
    checkout = till.shop.checkout(session_id)
    pay_at(till.twin, checkout, "pay_later")
    till.deliver("checkout.session.completed")
    assert till.shop.upload_service.find(session_id).status is UploadStatus.PENDING
    three_days_pass(till)
    assert till.shop.storage.objects
    settle_at(till.twin, checkout, "succeeded")
    till.deliver("checkout.session.async_payment_succeeded")
    till.shop.live(till.order(session_id).order_id)
    assert till.order(session_id).state is State.COMPLETED


def test_a_debit_that_fails_three_days_later_frees_its_photos(till: Till) -> None:
    session_id = till.shop.upload(PORTRAIT)
    checkout = till.shop.checkout(session_id)
    pay_at(till.twin, checkout, "pay_later")
    till.deliver("checkout.session.completed")
    three_days_pass(till)
    settle_at(till.twin, checkout, "failed")
    till.deliver("checkout.session.async_payment_failed")
    till.deliver("checkout.session.completed")
    till.shop.upload_cleanup.tidy()
    assert not till.shop.storage.objects
    assert not till.shop.own_unit_of_work.pages.streams


def test_a_page_that_expires_frees_its_photos(till: Till) -> None:
    session_id = till.shop.upload(PORTRAIT)
    expire_at(till.twin, till.shop.checkout(session_id))
    till.deliver("checkout.session.expired")
    assert till.shop.upload_service.find(session_id).status is UploadStatus.OPEN
    three_days_pass(till)
    assert not till.shop.storage.objects


def test_a_free_order_is_an_order(till: Till) -> None:
    session_id = till.shop.upload(PORTRAIT)
    till.shop.checkout(session_id)
    free = till.open_page(session_id, **{"discounts[0][coupon]": till.coupon(100)})
    pay_at(till.twin, free)
    till.deliver("checkout.session.completed")
    till.shop.live(till.order(session_id).order_id)
    order = till.order(session_id)
    assert order.state is State.COMPLETED
    assert order.payment is not None
    assert (order.payment.paid.amount, order.payment.discount.amount) == (0, 490)
    assert order.payment.payment_intent_id is None


@pytest.mark.parametrize(
    ("changes", "paid"),
    [
        ({"line_items[0][price_data][unit_amount]": "390"}, Money(amount=390, currency="EUR")),
        ({"line_items[0][price_data][currency]": "usd"}, Money(amount=490, currency="USD")),
    ],
)
def test_another_amount_or_currency_than_was_quoted_is_an_order_on_hold(
    till: Till, changes: dict[str, str], paid: Money
) -> None:
    session_id = till.shop.upload(PORTRAIT)
    till.shop.checkout(session_id)
    pay_at(till.twin, till.open_page(session_id, **changes))
    till.deliver("checkout.session.completed")
    order = till.shop.live(till.order(session_id).order_id)
    assert (order.hold, order.state) == (HoldReason.AMOUNT_MISMATCH, State.PAID)
    assert order.payment is not None
    assert order.payment.paid == paid
    assert not till.shop.restorer.works


def test_a_refund_and_a_dispute_told_before_their_payment_bring_it_with_them(till: Till) -> None:
    session_id = till.shop.upload(PORTRAIT)
    intent = pay_at(till.twin, till.shop.checkout(session_id))
    refund_at(till.twin, intent, 100)
    till.twin.control("POST", "disputes", {"payment_intent": intent})
    till.deliver("charge.dispute.created")
    till.deliver("refund.created")
    till.deliver("checkout.session.completed")
    order = till.order(session_id)
    assert order.is_disputed
    assert (order.refunded_amount, order.paid_amount) == (100, 490)


def test_a_second_payment_is_refunded_at_stripe_and_its_webhooks_change_nothing(till: Till) -> None:
    session_id = till.shop.upload(PORTRAIT)
    first, second = till.shop.checkout(session_id), till.open_page(session_id)
    intents = [pay_at(till.twin, checkout) for checkout in (first, second)]
    till.deliver("checkout.session.completed", count=2)
    till.shop.clock.advance(days=8)
    assert till.shop.unmatched_payment_service.refund_due() == 1
    till.deliver("refund.created")
    pages = till.shop.own_unit_of_work.pages
    assert [one.status for one in pages.unmatched.values()] == [UnmatchedStatus.REFUNDED]
    charges = till.twin.ledger()["objects"]["charge"]
    refunded = {one["payment_intent"]: one["amount_refunded"] for one in charges}
    assert [refunded[intent] for intent in intents] == [0, 490]
    assert till.shop.live(till.order(session_id).order_id).state is State.COMPLETED
