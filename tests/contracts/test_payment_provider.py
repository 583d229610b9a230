from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from domain.model.values import Money, OrderId, RefundId, UploadSessionId
from domain.ports.errors import LostReplyError, RefusedError, UnavailableError
from domain.ports.payments import CheckoutWish, OpenedCheckout, PaymentProvider, RefundWish
from tests.adapters.accounts import stripe_payments
from tests.doubles.payments import MemoryPayments
from tests.sandbox.processes import TwinProcess

ENDPOINTS = {"open_checkout": "POST /v1/checkout/sessions", "issue_refund": "POST /v1/refunds"}


@dataclass(frozen=True)
class Till:
    """A payment provider, and what the world does to it."""

    provider: PaymentProvider
    pay: Callable[[str], str]
    fail_refund: Callable[[str], object]
    lose_reply: Callable[[str], object]
    be_busy: Callable[[str], object]

    def paid(self, photos: int = 3) -> str:
        return self.pay(self.provider.open_checkout(wish(photos)).checkout_session_id)


@pytest.fixture(params=["double", "stripe"])
def till(request: pytest.FixtureRequest) -> Till:
    if request.param == "double":
        double = MemoryPayments()
        busy = UnavailableError("The double", "busy", retry_after_seconds=7)
        return Till(
            provider=double,
            pay=double.pay,
            fail_refund=double.fail_refund,
            lose_reply=double.weather.lose_reply,
            be_busy=lambda method: double.weather.fail(method, busy),
        )
    twin: TwinProcess = request.getfixturevalue("stripe")
    return Till(
        provider=stripe_payments(twin.url),
        pay=lambda session_id: pay_at(twin, session_id),
        fail_refund=lambda refund: twin.control("POST", f"refunds/{refund}/settle", {"outcome": "failed"}),
        lose_reply=lambda method: twin.misbehave(ENDPOINTS[method], "lose_reply"),
        be_busy=lambda method: twin.misbehave(
            ENDPOINTS[method], "status", status=429, headers={"Retry-After": "7"}
        ),
    )


def pay_at(twin: TwinProcess, session_id: str) -> str:
    form = {"action": "pay", "email": "adele@example.com", "name": "Adele Brandt"}
    assert twin.http.post(f"/c/pay/{session_id}", data=form).status_code == 303
    sessions = twin.ledger()["objects"]["checkout.session"]
    intent: str = next(one["payment_intent"] for one in sessions if one["id"] == session_id)
    return intent


def wish(photos: int = 3) -> CheckoutWish:
    return CheckoutWish(
        upload_session_id=UploadSessionId(uuid4()),
        order_id=OrderId(uuid4()),
        photos=photos,
        unit_price=Money(amount=490, currency="EUR"),
        email="adele@example.com",
        success_url="https://shop.example/thanks",
        cancel_url="https://shop.example/basket",
        expires_at=datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1),
        idempotency_key=str(uuid4()),
    )


def refund(intent: str, amount: int = 490, refund_id: UUID | None = None) -> RefundWish:
    return RefundWish(
        refund_id=RefundId(refund_id or uuid4()),
        order_id=OrderId(uuid4()),
        payment_intent_id=intent,
        amount=Money(amount=amount, currency="EUR"),
        idempotency_key=str(uuid4()),
    )


def test_a_checkout_opens_on_a_page_until_its_time(till: Till) -> None:
    wished = wish()
    opened = till.provider.open_checkout(wished)
    assert isinstance(opened, OpenedCheckout)
    assert opened.checkout_session_id in opened.url
    assert opened.expires_at == wished.expires_at


def test_opening_again_with_the_same_key_opens_the_same_page(till: Till) -> None:
    wished = wish()
    assert till.provider.open_checkout(wished) == till.provider.open_checkout(wished)
    assert till.provider.open_checkout(wish()).url != till.provider.open_checkout(wished).url


def test_a_key_cannot_be_used_for_something_else(till: Till) -> None:
    wished = wish()
    till.provider.open_checkout(wished)
    with pytest.raises(RefusedError):
        till.provider.open_checkout(replace(wished, photos=4))


def test_what_was_paid_is_refunded_and_found_by_our_id(till: Till) -> None:
    intent = till.paid()
    wished = refund(intent, 490)
    assert till.provider.find_refund(intent, wished.refund_id) is None
    made = till.provider.issue_refund(wished)
    assert (made.has_failed, made.amount) == (False, Money(amount=490, currency="EUR"))
    assert till.provider.find_refund(intent, wished.refund_id) == made
    assert till.provider.find_refund(intent, RefundId(uuid4())) is None


def test_the_same_refund_twice_pays_once(till: Till) -> None:
    wished = refund(till.paid(photos=1), 490)
    assert till.provider.issue_refund(wished) == till.provider.issue_refund(wished)


def test_more_than_was_paid_does_not_go_back(till: Till) -> None:
    intent = till.paid(photos=1)
    till.provider.issue_refund(refund(intent, 300))
    with pytest.raises(RefusedError):
        till.provider.issue_refund(refund(intent, 191))
    till.provider.issue_refund(refund(intent, 190))


def test_a_payment_that_is_not_there_cannot_be_refunded(till: Till) -> None:
    with pytest.raises(RefusedError) as refusal:
        till.provider.issue_refund(refund("pi_nobody"))
    assert refusal.value.code == "resource_missing"


def test_a_refund_whose_reply_was_lost_is_paid_once_however_often_it_is_repeated(till: Till) -> None:
    intent = till.paid(photos=1)
    wished = refund(intent, 490)
    till.lose_reply("issue_refund")
    with pytest.raises(LostReplyError):
        till.provider.issue_refund(wished)
    found = till.provider.find_refund(intent, wished.refund_id)
    assert found is not None
    assert till.provider.issue_refund(wished) == found


def test_a_checkout_whose_reply_was_lost_opens_once(till: Till) -> None:
    wished = wish()
    till.lose_reply("open_checkout")
    with pytest.raises(LostReplyError):
        till.provider.open_checkout(wished)
    assert till.provider.open_checkout(wished) == till.provider.open_checkout(wished)


@pytest.mark.parametrize("method", ["open_checkout", "issue_refund"])
def test_a_busy_provider_did_nothing_and_says_when_to_come_back(till: Till, method: str) -> None:
    wished = refund(till.paid(), 490)
    till.be_busy(method)
    with pytest.raises(UnavailableError) as answer:
        till.provider.open_checkout(wish()) if method == "open_checkout" else till.provider.issue_refund(
            wished
        )
    assert not isinstance(answer.value, LostReplyError)
    assert answer.value.retry_after_seconds == 7
    assert till.provider.find_refund(wished.payment_intent_id, wished.refund_id) is None


def test_a_refund_that_failed_later_is_found_as_failed_and_one_that_followed_is_preferred(till: Till) -> None:
    intent = till.paid(photos=1)
    first = refund(intent, 490)
    failed = till.provider.issue_refund(first)
    till.fail_refund(failed.provider_refund_id)
    found = till.provider.find_refund(intent, first.refund_id)
    assert found == replace(failed, has_failed=True)
    second = till.provider.issue_refund(refund(intent, 490, first.refund_id))
    assert till.provider.find_refund(intent, first.refund_id) == second
