"""Coupons of the twin, through the SDK."""

import time
from typing import Any

import pytest
import stripe

from tests.sandbox.stripe_client import Shop


def coupon(shop: Shop, **changes: Any) -> str:
    params: dict[str, Any] = {"amount_off": 300, "currency": "eur", "duration": "once"}
    made = shop.client.v1.coupons.create(params | changes)  # type: ignore[arg-type]
    assert made.valid
    return made.id


def discounted(shop: Shop, coupon_id: str, **changes: Any) -> stripe.checkout.Session:
    return shop.open_session(discounts=[{"coupon": coupon_id}], **changes)


def test_an_amount_reduces_the_total_at_most_to_zero(shop: Shop) -> None:
    session = discounted(shop, coupon(shop))
    assert (session.amount_subtotal, session.amount_total) == (900, 600)
    assert session.total_details is not None
    assert session.total_details.amount_discount == 300
    assert session.payment_status == "unpaid"
    free = discounted(shop, coupon(shop, amount_off=1000))
    assert (free.amount_total, free.payment_status) == (0, "no_payment_required")


def test_a_coupon_is_redeemed_when_its_session_is_paid_and_as_often_as_it_says(shop: Shop) -> None:
    once = coupon(shop, max_redemptions=1)
    first, second = discounted(shop, once), discounted(shop, once)
    assert shop.press(first, "pay").status_code == 303
    used = shop.client.v1.coupons.retrieve(once)
    assert (used.times_redeemed, used.valid) == (1, False)
    assert shop.press(second, "pay").status_code == 400
    assert shop.client.v1.checkout.sessions.retrieve(second.id).status == "open"
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        discounted(shop, once)
    assert refusal.value.code == "coupon_expired"


def test_a_coupon_is_good_until_its_last_moment(shop: Shop) -> None:
    short = coupon(shop, redeem_by=int(time.time()) + 3600)
    shop.twin.turn(clock_ahead_seconds=2 * 3600)
    assert not shop.client.v1.coupons.retrieve(short).valid
    with pytest.raises(stripe.InvalidRequestError, match="expired or used up"):
        discounted(shop, short)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"redeem_by": 1}, "redeem_by"),
        ({"max_redemptions": 0}, "max_redemptions"),
        ({"amount_off": 0}, "amount_off"),
        ({"name": "a" * 41}, "name"),
    ],
)
def test_an_invalid_coupon_is_refused(shop: Shop, changes: dict[str, Any], param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        coupon(shop, **changes)
    assert refusal.value.param == param


def test_a_session_takes_one_coupon_in_its_own_currency(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="usd"):
        discounted(shop, coupon(shop, currency="usd"))
    with pytest.raises(stripe.InvalidRequestError, match="one discount"):
        shop.open_session(discounts=[{"coupon": coupon(shop)}, {"coupon": coupon(shop)}])
