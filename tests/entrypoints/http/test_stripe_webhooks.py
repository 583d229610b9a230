"""Webhooks of Stripe's twin, delivered unchanged in the order a test chooses."""

import pytest

from domain.order.states import State
from domain.order.values import HoldReason, Money
from domain.ports.upload_sessions import UploadStatus
from domain.unmatched_payment import UnmatchedStatus
from tests.contracts.test_payments import expire_at, pay_at, refund_at, settle_at
from tests.entrypoints.support.http_fixtures import PORTRAIT
from tests.entrypoints.support.stripe_account import StripeAccount


def three_days_pass(account: StripeAccount) -> None:
    account.shop.clock.advance(days=3)
    account.twin.turn(clock_ahead_seconds=3 * 24 * 3600)
    account.shop.upload_cleanup.tidy()


def test_a_debit_that_clears_three_days_later_is_an_order_of_the_photos_kept_meanwhile(
    account: StripeAccount,
) -> None:
    session_id = account.shop.upload(PORTRAIT)
    checkout = account.shop.checkout(session_id)
    pay_at(account.twin, checkout, "pay_later")
    account.deliver("checkout.session.completed")
    assert account.shop.upload_service.find(session_id).status is UploadStatus.PENDING
    three_days_pass(account)
    assert account.shop.storage.objects
    settle_at(account.twin, checkout, "succeeded")
    account.deliver("checkout.session.async_payment_succeeded")
    account.shop.live(account.order(session_id).order_id)
    assert account.order(session_id).state is State.COMPLETED


def test_a_debit_that_fails_three_days_later_frees_its_photos(account: StripeAccount) -> None:
    session_id = account.shop.upload(PORTRAIT)
    checkout = account.shop.checkout(session_id)
    pay_at(account.twin, checkout, "pay_later")
    account.deliver("checkout.session.completed")
    three_days_pass(account)
    settle_at(account.twin, checkout, "failed")
    account.deliver("checkout.session.async_payment_failed")
    account.deliver("checkout.session.completed")
    account.shop.upload_cleanup.tidy()
    assert not account.shop.storage.objects
    assert not account.shop.own_unit_of_work.pages.streams


def test_a_page_that_expires_frees_its_photos(account: StripeAccount) -> None:
    session_id = account.shop.upload(PORTRAIT)
    expire_at(account.twin, account.shop.checkout(session_id))
    account.deliver("checkout.session.expired")
    assert account.shop.upload_service.find(session_id).status is UploadStatus.OPEN
    three_days_pass(account)
    assert not account.shop.storage.objects


def test_a_free_order_is_an_order(account: StripeAccount) -> None:
    session_id = account.shop.upload(PORTRAIT)
    account.shop.checkout(session_id)
    free = account.open_page(session_id, **{"discounts[0][coupon]": account.coupon(100)})
    pay_at(account.twin, free)
    account.deliver("checkout.session.completed")
    account.shop.live(account.order(session_id).order_id)
    order = account.order(session_id)
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
    account: StripeAccount, changes: dict[str, str], paid: Money
) -> None:
    session_id = account.shop.upload(PORTRAIT)
    account.shop.checkout(session_id)
    pay_at(account.twin, account.open_page(session_id, **changes))
    account.deliver("checkout.session.completed")
    order = account.shop.live(account.order(session_id).order_id)
    assert (order.hold, order.state) == (HoldReason.AMOUNT_MISMATCH, State.PAID)
    assert order.payment is not None
    assert order.payment.paid == paid
    assert not account.shop.restorer.works


def test_a_refund_and_a_dispute_that_arrive_before_their_payment_bring_it_with_them(
    account: StripeAccount,
) -> None:
    session_id = account.shop.upload(PORTRAIT)
    intent = pay_at(account.twin, account.shop.checkout(session_id))
    refund_at(account.twin, intent, 100)
    account.twin.control("POST", "disputes", {"payment_intent": intent})
    account.deliver("charge.dispute.created")
    account.deliver("refund.created")
    account.deliver("checkout.session.completed")
    order = account.order(session_id)
    assert order.is_disputed
    assert (order.refunded_amount, order.paid_amount) == (100, 490)


def test_a_second_payment_is_refunded_at_stripe_and_its_webhooks_change_nothing(
    account: StripeAccount,
) -> None:
    session_id = account.shop.upload(PORTRAIT)
    first, second = account.shop.checkout(session_id), account.open_page(session_id)
    intents = [pay_at(account.twin, checkout) for checkout in (first, second)]
    account.deliver("checkout.session.completed", count=2)
    account.shop.clock.advance(days=8)
    assert account.shop.unmatched_payment_service.refund_due() == 1
    account.deliver("refund.created")
    pages = account.shop.own_unit_of_work.pages
    assert [one.status for one in pages.unmatched.values()] == [UnmatchedStatus.REFUNDED]
    charges = account.twin.ledger()["objects"]["charge"]
    refunded = {one["payment_intent"]: one["amount_refunded"] for one in charges}
    assert [refunded[intent] for intent in intents] == [0, 490]
    assert account.shop.live(account.order(session_id).order_id).state is State.COMPLETED
