from typing import Any

import msgspec
import pytest

from adapters.payments_stripe.sessions import Session, state_of
from domain.ports.payments import CheckoutStatus


@pytest.mark.parametrize(
    ("status", "payment_status", "intent", "expected", "paid"),
    [
        ("open", "unpaid", None, CheckoutStatus.OPEN, 0),
        ("open", "unpaid", "requires_payment_method", CheckoutStatus.OPEN, 0),
        ("open", "no_payment_required", None, CheckoutStatus.OPEN, 0),
        (None, "unpaid", None, CheckoutStatus.OPEN, 0),
        ("complete", "paid", "succeeded", CheckoutStatus.PAID, 490),
        ("complete", "no_payment_required", None, CheckoutStatus.PAID, 490),
        ("complete", "unpaid", "processing", CheckoutStatus.PENDING, 0),
        ("complete", "unpaid", "requires_payment_method", CheckoutStatus.FAILED, 0),
        ("complete", "unpaid", "canceled", CheckoutStatus.FAILED, 0),
        ("expired", "unpaid", None, CheckoutStatus.EXPIRED, 0),
        ("complete", "a_status_of_tomorrow", "succeeded", CheckoutStatus.PENDING, 0),
        # It expired while the payment succeeded: the money arrived.
        ("expired", "paid", "succeeded", CheckoutStatus.PAID, 490),
    ],
)
def test_a_session_is_paid_when_the_money_arrived(
    status: str | None, payment_status: str, intent: str | None, expected: CheckoutStatus, paid: int
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
    assert (state.status, state.checkout.paid.amount) == (expected, paid)


def test_a_session_that_sells_nothing_has_no_state() -> None:
    shown = {"id": "cs_1", "status": "complete", "payment_status": "no_payment_required", "currency": None}
    assert state_of(msgspec.convert(shown, Session)) is None
