"""Where a Checkout Session is, by what Stripe shows of it and of its payment."""

from typing import Any

import msgspec
import pytest

from adapters.payments_stripe.sessions import Session, state_of
from domain.ports.payments import CheckoutStanding


@pytest.mark.parametrize(
    ("status", "payment_status", "intent", "standing", "paid"),
    [
        ("open", "unpaid", None, CheckoutStanding.OPEN, 0),
        ("open", "unpaid", "requires_payment_method", CheckoutStanding.OPEN, 0),
        ("open", "no_payment_required", None, CheckoutStanding.OPEN, 0),
        (None, "unpaid", None, CheckoutStanding.OPEN, 0),
        ("complete", "paid", "succeeded", CheckoutStanding.PAID, 490),
        ("complete", "no_payment_required", None, CheckoutStanding.PAID, 490),
        ("complete", "unpaid", "processing", CheckoutStanding.PENDING, 0),
        ("complete", "unpaid", "requires_payment_method", CheckoutStanding.FAILED, 0),
        ("complete", "unpaid", "canceled", CheckoutStanding.FAILED, 0),
        ("expired", "unpaid", None, CheckoutStanding.EXPIRED, 0),
        ("complete", "a_status_of_tomorrow", "succeeded", CheckoutStanding.PENDING, 0),
        # It expired while the payment went through: the money is there.
        ("expired", "paid", "succeeded", CheckoutStanding.PAID, 490),
    ],
)
def test_a_session_is_paid_when_the_money_is_there(
    status: str | None, payment_status: str, intent: str | None, standing: CheckoutStanding, paid: int
) -> None:
    shown: dict[str, Any] = {
        "id": "cs_1",
        "status": status,
        "payment_status": payment_status,
        "amount_total": 490,
        "currency": "eur",
        "payment_intent": {"id": "pi_1", "status": intent} if intent else None,
    }
    state = state_of(msgspec.convert(shown, Session))
    assert state is not None
    assert (state.standing, state.checkout.paid.amount) == (standing, paid)


def test_a_session_that_sells_nothing_has_no_state() -> None:
    shown = {"id": "cs_1", "status": "complete", "payment_status": "no_payment_required", "currency": None}
    assert state_of(msgspec.convert(shown, Session)) is None
