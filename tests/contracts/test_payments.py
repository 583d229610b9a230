from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from domain.order.values import CustomerId, DisputeOutcome, Money, OrderId, RefundId, UploadSessionId
from domain.ports.errors import DisputedError, LostReplyError, RefusedError, UnavailableError
from domain.ports.payments import (
    CheckoutState,
    CheckoutStatus,
    NewCheckout,
    NewRefund,
    OpenedCheckout,
    PaymentProvider,
)
from domain.referral_program import Spending
from tests.adapters.support.provider_accounts import STRIPE_SECRET_KEY, stripe_payments
from tests.domain.support.event_builders import euros
from tests.doubles.payments import InMemoryPayments
from tests.sandbox.processes import TwinProcess

CUSTOMER = ("adele@example.com", "Adele Brandt")
ENDPOINTS = {"open_checkout": "POST /v1/checkout/sessions", "issue_refund": "POST /v1/refunds"}


@dataclass(frozen=True)
class PaymentsUnderTest:
    """A payment provider, and actions of its customers and banks."""

    provider: PaymentProvider
    pay: Callable[[str], str]
    pay_later: Callable[[str], str]
    settle: Callable[[str, str], object]
    expire: Callable[[str], object]
    refund_by_hand: Callable[[str, int], str]
    fail_refund: Callable[[str], object]
    dispute: Callable[[str], str]  # gives the provider's id of the dispute
    decide: Callable[[str, DisputeOutcome], object]
    lose_reply: Callable[[str], object]
    be_busy: Callable[[str], object]

    def paid(self, photos: int = 3) -> str:
        return self.pay(self.provider.open_checkout(new_checkout(photos)).checkout_session_id)


@pytest.fixture(params=["double", "stripe"])
def payments(request: pytest.FixtureRequest) -> PaymentsUnderTest:
    if request.param == "double":
        double = InMemoryPayments()
        busy = UnavailableError("The double", "busy", retry_after_seconds=7)
        return PaymentsUnderTest(
            provider=double,
            pay=lambda session_id: double.pay(session_id, *CUSTOMER),
            pay_later=lambda session_id: double.pay_later(session_id, *CUSTOMER),
            settle=lambda session_id, fate: double.settle(session_id, has_failed=fate == "failed"),
            expire=double.expire,
            refund_by_hand=lambda intent, amount: double.refund_by_hand(intent, amount).provider_refund_id,
            fail_refund=double.fail_refund,
            dispute=double.dispute,
            decide=double.decide_dispute,
            lose_reply=double.fault_injector.lose_reply,
            be_busy=lambda method: double.fault_injector.fail(method, busy),
        )
    twin: TwinProcess = request.getfixturevalue("stripe")
    return PaymentsUnderTest(
        provider=stripe_payments(twin.url),
        pay=lambda session_id: pay_at(twin, session_id),
        pay_later=lambda session_id: pay_at(twin, session_id, "pay_later"),
        settle=lambda session_id, fate: settle_at(twin, session_id, fate),
        expire=lambda session_id: expire_at(twin, session_id),
        refund_by_hand=lambda intent, amount: refund_at(twin, intent, amount),
        fail_refund=lambda refund: twin.control("POST", f"refunds/{refund}/settle", {"outcome": "failed"}),
        dispute=lambda intent: str(twin.control("POST", "disputes", {"payment_intent": intent})["id"]),
        decide=lambda name, outcome: twin.control("POST", f"disputes/{name}/close", {"status": outcome}),
        lose_reply=lambda method: twin.misbehave(ENDPOINTS[method], "lose_reply"),
        be_busy=lambda method: twin.misbehave(
            ENDPOINTS[method], "status", status=429, headers={"Retry-After": "7"}
        ),
    )


def pay_at(twin: TwinProcess, session_id: str, action: str = "pay") -> str:
    email, name = CUSTOMER
    form = {"action": action, "email": email, "name": name}
    assert twin.http.post(f"/c/pay/{session_id}", data=form).status_code == 303
    sessions = twin.ledger()["objects"]["checkout.session"]
    intent: str = next(one["payment_intent"] for one in sessions if one["id"] == session_id)
    return intent


def settle_at(twin: TwinProcess, session_id: str, fate: str) -> None:
    twin.control("POST", f"checkout/{session_id}/settle", {"outcome": fate})


def expire_at(twin: TwinProcess, session_id: str) -> None:
    authorized = {"Authorization": f"Bearer {STRIPE_SECRET_KEY}"}
    twin.http.post(f"/v1/checkout/sessions/{session_id}/expire", headers=authorized).raise_for_status()


def refund_at(twin: TwinProcess, intent: str, amount: int) -> str:
    made: str = twin.control("POST", "refunds", {"payment_intent": intent, "amount": amount})["id"]
    return made


def new_checkout(photos: int = 3) -> NewCheckout:
    return NewCheckout(
        upload_session_id=UploadSessionId(uuid4()),
        order_id=OrderId(uuid4()),
        payment_token="k3yed",
        photos=photos,
        unit_price=Money(amount=490, currency="EUR"),
        email="adele@example.com",
        success_url="https://shop.example/thanks",
        cancel_url="https://shop.example/basket",
        expires_at=datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1),
        idempotency_key=str(uuid4()),
    )


def refund(intent: str, amount: int = 490, refund_id: UUID | None = None) -> NewRefund:
    return NewRefund(
        refund_id=RefundId(refund_id or uuid4()),
        order_id=OrderId(uuid4()),
        payment_intent_id=intent,
        amount=Money(amount=amount, currency="EUR"),
        idempotency_key=str(uuid4()),
    )


def test_a_checkout_opens_on_a_page_until_its_time(payments: PaymentsUnderTest) -> None:
    requested = new_checkout()
    opened = payments.provider.open_checkout(requested)
    assert isinstance(opened, OpenedCheckout)
    assert opened.checkout_session_id in opened.url
    assert opened.expires_at == requested.expires_at


def test_opening_again_with_the_same_key_opens_the_same_page(payments: PaymentsUnderTest) -> None:
    requested = new_checkout()
    assert payments.provider.open_checkout(requested) == payments.provider.open_checkout(requested)
    assert (
        payments.provider.open_checkout(new_checkout()).url != payments.provider.open_checkout(requested).url
    )


def test_a_key_cannot_be_used_for_something_else(payments: PaymentsUnderTest) -> None:
    requested = new_checkout()
    payments.provider.open_checkout(requested)
    with pytest.raises(RefusedError):
        payments.provider.open_checkout(replace(requested, photos=4))


def test_a_payment_is_refunded_and_the_refund_found_by_our_id(payments: PaymentsUnderTest) -> None:
    intent = payments.paid()
    requested = refund(intent, 490)
    assert payments.provider.find_refund(intent, requested.refund_id) is None
    made = payments.provider.issue_refund(requested)
    assert (made.has_failed, made.amount) == (False, Money(amount=490, currency="EUR"))
    assert payments.provider.find_refund(intent, requested.refund_id) == made
    assert payments.provider.find_refund(intent, RefundId(uuid4())) is None


def test_the_same_refund_twice_pays_once(payments: PaymentsUnderTest) -> None:
    requested = refund(payments.paid(photos=1), 490)
    assert payments.provider.issue_refund(requested) == payments.provider.issue_refund(requested)


def test_more_than_was_paid_is_not_refunded(payments: PaymentsUnderTest) -> None:
    intent = payments.paid(photos=1)
    payments.provider.issue_refund(refund(intent, 300))
    with pytest.raises(RefusedError):
        payments.provider.issue_refund(refund(intent, 191))
    payments.provider.issue_refund(refund(intent, 190))


def test_an_unknown_payment_cannot_be_refunded(payments: PaymentsUnderTest) -> None:
    with pytest.raises(RefusedError) as refusal:
        payments.provider.issue_refund(refund("pi_nobody"))
    assert refusal.value.code == "resource_missing"


def test_a_refund_whose_reply_was_lost_is_paid_once_however_often_it_is_repeated(
    payments: PaymentsUnderTest,
) -> None:
    intent = payments.paid(photos=1)
    requested = refund(intent, 490)
    payments.lose_reply("issue_refund")
    with pytest.raises(LostReplyError):
        payments.provider.issue_refund(requested)
    found = payments.provider.find_refund(intent, requested.refund_id)
    assert found is not None
    assert payments.provider.issue_refund(requested) == found


def test_a_checkout_whose_reply_was_lost_opens_once(payments: PaymentsUnderTest) -> None:
    requested = new_checkout()
    payments.lose_reply("open_checkout")
    with pytest.raises(LostReplyError):
        payments.provider.open_checkout(requested)
    assert payments.provider.open_checkout(requested) == payments.provider.open_checkout(requested)


@pytest.mark.parametrize("method", ["open_checkout", "issue_refund"])
def test_a_busy_provider_does_nothing_and_returns_a_wait(payments: PaymentsUnderTest, method: str) -> None:
    requested = refund(payments.paid(), 490)
    payments.be_busy(method)
    with pytest.raises(UnavailableError) as answer:
        payments.provider.open_checkout(
            new_checkout()
        ) if method == "open_checkout" else payments.provider.issue_refund(requested)
    assert not isinstance(answer.value, LostReplyError)
    assert answer.value.retry_after_seconds == 7
    assert payments.provider.find_refund(requested.payment_intent_id, requested.refund_id) is None


def test_a_refund_that_failed_later_is_found_as_failed_and_one_that_followed_is_preferred(
    payments: PaymentsUnderTest,
) -> None:
    intent = payments.paid(photos=1)
    first = refund(intent, 490)
    failed = payments.provider.issue_refund(first)
    payments.fail_refund(failed.provider_refund_id)
    found = payments.provider.find_refund(intent, first.refund_id)
    assert found == replace(failed, has_failed=True)
    second = payments.provider.issue_refund(refund(intent, 490, first.refund_id))
    assert payments.provider.find_refund(intent, first.refund_id) == second


def test_any_refund_is_looked_up_in_its_current_state(payments: PaymentsUnderTest) -> None:
    intent = payments.paid(photos=2)
    ours = payments.provider.issue_refund(refund(intent, 490))
    by_hand = payments.refund_by_hand(intent, 200)
    assert payments.provider.look_up_refund(ours.provider_refund_id) == ours
    payments.fail_refund(by_hand)
    found = payments.provider.look_up_refund(by_hand)
    assert found is not None
    assert (found.has_failed, found.amount) == (True, Money(amount=200, currency="EUR"))
    assert payments.provider.look_up_refund("re_nobodys") is None


def discounted(points: int, photos: int = 1) -> NewCheckout:
    spending = Spending(customer_id=CustomerId(uuid4()), points=points, discount=euros(points))
    return replace(new_checkout(photos), spending=spending)


def test_points_reduce_the_price_once_and_the_checkout_has_their_owner(payments: PaymentsUnderTest) -> None:
    requested = discounted(100, photos=2)
    opened = payments.provider.open_checkout(requested)
    assert payments.provider.open_checkout(requested) == opened
    intent = payments.pay(opened.checkout_session_id)
    found = payments.provider.find_checkout(opened.checkout_session_id)
    assert found is not None
    assert (found.checkout.paid, found.checkout.discount) == (euros(880), euros(100))
    assert found.checkout.spending == requested.spending
    with pytest.raises(RefusedError):
        payments.provider.issue_refund(refund(intent, 881))


def test_a_checkout_covered_by_points_is_paid_without_a_payment(payments: PaymentsUnderTest) -> None:
    requested = discounted(490)
    session_id = payments.provider.open_checkout(requested).checkout_session_id
    assert status_of(payments, session_id) == (CheckoutStatus.OPEN, 0)
    assert not payments.pay(session_id)
    assert status_of(payments, session_id) == (CheckoutStatus.PAID, 0)
    found = payments.provider.find_checkout(session_id)
    assert found is not None
    assert (found.checkout.payment_intent_id, found.checkout.spending) == (None, requested.spending)


def test_a_discounted_checkout_whose_reply_was_lost_opens_once(payments: PaymentsUnderTest) -> None:
    requested = discounted(100)
    payments.lose_reply("open_checkout")
    with pytest.raises(LostReplyError):
        payments.provider.open_checkout(requested)
    opened = payments.provider.open_checkout(requested)
    assert opened == payments.provider.open_checkout(requested)
    payments.pay(opened.checkout_session_id)
    assert status_of(payments, opened.checkout_session_id) == (CheckoutStatus.PAID, 390)


def status_of(payments: PaymentsUnderTest, session_id: str) -> tuple[CheckoutStatus, int]:
    found = payments.provider.find_checkout(session_id)
    assert found is not None
    return found.status, found.checkout.paid.amount


def test_a_checkout_is_found_with_all_fields_of_its_webhook(payments: PaymentsUnderTest) -> None:
    requested = replace(new_checkout(photos=2), locale="de-AT")
    session_id = payments.provider.open_checkout(requested).checkout_session_id
    intent = payments.pay(session_id)
    found = payments.provider.find_checkout(session_id)
    assert isinstance(found, CheckoutState)
    assert found.status is CheckoutStatus.PAID
    checkout = found.checkout
    assert (checkout.checkout_session_id, checkout.payment_intent_id) == (session_id, intent)
    assert (checkout.upload_session_id, checkout.order_id) == (
        requested.upload_session_id,
        requested.order_id,
    )
    assert (checkout.email, checkout.name) == CUSTOMER
    assert checkout.locale == "de-AT"
    assert (checkout.paid, checkout.discount) == (
        Money(amount=980, currency="EUR"),
        Money(amount=0, currency="EUR"),
    )
    assert payments.provider.find_checkout_by_payment(intent) == found


def test_an_unknown_checkout_or_payment_is_not_found(payments: PaymentsUnderTest) -> None:
    payments.paid()
    assert payments.provider.find_checkout("cs_test_nobodys") is None
    assert payments.provider.find_checkout_by_payment("pi_nobodys") is None


def test_a_checkout_is_open_until_it_is_paid_or_expires(payments: PaymentsUnderTest) -> None:
    session_id = payments.provider.open_checkout(new_checkout()).checkout_session_id
    assert status_of(payments, session_id) == (CheckoutStatus.OPEN, 0)
    payments.expire(session_id)
    assert status_of(payments, session_id) == (CheckoutStatus.EXPIRED, 0)


@pytest.mark.parametrize(
    ("fate", "outcome"),
    [("succeeded", (CheckoutStatus.PAID, 1470)), ("failed", (CheckoutStatus.FAILED, 0))],
)
def test_a_delayed_payment_is_pending_until_it_succeeds_or_fails(
    payments: PaymentsUnderTest, fate: str, outcome: tuple[CheckoutStatus, int]
) -> None:
    session_id = payments.provider.open_checkout(new_checkout()).checkout_session_id
    intent = payments.pay_later(session_id)
    assert status_of(payments, session_id) == (CheckoutStatus.PENDING, 0)
    payments.settle(session_id, fate)
    assert status_of(payments, session_id) == outcome
    by_payment = payments.provider.find_checkout_by_payment(intent)
    assert by_payment is not None
    assert by_payment.status is outcome[0]


def test_a_disputed_payment_is_not_refunded(payments: PaymentsUnderTest) -> None:
    requested = refund(payments.paid(), 490)
    payments.dispute(requested.payment_intent_id)
    with pytest.raises(DisputedError):
        payments.provider.issue_refund(requested)
    assert payments.provider.find_refund(requested.payment_intent_id, requested.refund_id) is None


def test_a_dispute_is_looked_up_as_it_is_now(payments: PaymentsUnderTest) -> None:
    intent = payments.paid()
    dispute_id = payments.dispute(intent)
    found = payments.provider.look_up_dispute(dispute_id)
    assert found is not None
    assert (found.dispute_id, found.payment_intent_id, found.outcome) == (dispute_id, intent, None)
    assert (found.is_inquiry, found.reason, found.amount.currency) == (False, "fraudulent", "EUR")
    payments.decide(dispute_id, DisputeOutcome.LOST)
    lost = payments.provider.look_up_dispute(dispute_id)
    assert lost is not None
    assert lost.outcome is DisputeOutcome.LOST
    assert payments.provider.look_up_dispute("du_unknown") is None


def test_a_page_that_was_expired_cannot_be_paid_any_more(payments: PaymentsUnderTest) -> None:
    opened = payments.provider.open_checkout(new_checkout(3)).checkout_session_id
    assert payments.provider.expire_checkout(opened) is CheckoutStatus.EXPIRED
    assert payments.provider.expire_checkout(opened) is CheckoutStatus.EXPIRED
    state = payments.provider.find_checkout(opened)
    assert state is not None
    assert state.status is CheckoutStatus.EXPIRED


def test_a_page_that_was_paid_is_not_expired(payments: PaymentsUnderTest) -> None:
    paid, pending = (payments.provider.open_checkout(new_checkout(3)).checkout_session_id for _ in range(2))
    payments.pay(paid)
    payments.pay_later(pending)
    assert payments.provider.expire_checkout(paid) is CheckoutStatus.PAID
    assert payments.provider.expire_checkout(pending) is CheckoutStatus.PENDING


def test_a_page_that_the_provider_does_not_know_is_expired(payments: PaymentsUnderTest) -> None:
    assert payments.provider.expire_checkout(f"cs_{uuid4().hex}") is CheckoutStatus.EXPIRED
