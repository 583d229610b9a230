"""Unmatched payments are refunded automatically, or matched by staff."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from domain.order.states import State
from domain.order.values import DisputeOutcome, HoldReason, Money, UploadSessionId
from domain.ports.errors import LostReplyError, RefusedError, UnavailableError
from domain.ports.payments import NewRefund, PaymentEventKind, ProviderRefund
from domain.unmatched_payment import (
    NotMatchableError,
    PaymentNotOpenError,
    UnknownPaymentError,
    UnmatchedPayment,
    UnmatchedStatus,
)
from domain.use_cases.payments.unmatched_payments import (
    PENDING_AGAIN,
    REFUSED_AGAIN,
    UNKNOWN_AGAIN,
)
from tests.domain.use_cases.payments.test_webhooks_in_any_order import of_dispute, of_refund, take
from tests.doubles.container import InMemoryShop

UNAVAILABLE = UnavailableError("The double", "out for lunch")
REFUSED = RefusedError("The double", "its balance is empty", code="balance_insufficient")
BRUNO = {"actor": "person:bruno", "note": "They asked for it on the phone."}


def pay_twice(shop: InMemoryShop) -> str:
    """Pay a session twice; return the checkout of the second payment."""
    session_id = shop.upload(b"wedding")
    first = shop.checkout(session_id)
    shop.clock.advance(seconds=shop.policy.payments.checkout_lifetime.total_seconds())
    second = shop.checkout(session_id)
    for checkout in (first, second):
        shop.payments.pay(checkout)
        take(shop, shop.webhook_event(checkout, PaymentEventKind.PAID))
    assert payment(shop, second).status is UnmatchedStatus.OPEN
    return second


def payment(shop: InMemoryShop, checkout: str) -> UnmatchedPayment:
    found = shop.own_unit_of_work.pages.unmatched[checkout]
    assert isinstance(found, UnmatchedPayment)
    return found


def intent_of(shop: InMemoryShop, checkout: str) -> str:
    intent = payment(shop, checkout).payment_intent_id
    assert intent is not None
    return intent


def refunded_amount(shop: InMemoryShop, checkout: str) -> int:
    """The amount that the provider refunded, in minor units."""
    paid = shop.payments.payments[intent_of(shop, checkout)]
    return paid.paid.amount - paid.left


def wait(shop: InMemoryShop, span: timedelta) -> None:
    shop.clock.advance(seconds=span.total_seconds() + 1)


def test_a_second_payment_is_refunded_once_after_its_wait(shop: InMemoryShop) -> None:
    checkout = pay_twice(shop)
    shop.clock.advance(days=7)
    assert shop.unmatched_payment_service.refund_due() == 0
    assert refunded_amount(shop, checkout) == 0
    shop.clock.advance(seconds=1)
    assert [shop.unmatched_payment_service.refund_due() for _ in range(3)] == [1, 0, 0]
    assert refunded_amount(shop, checkout) == 490
    assert payment(shop, checkout).actor == "shop"


@pytest.mark.parametrize("what_is_left", ["an erased order", "no upload session"])
def test_a_late_webhook_about_the_payment_of_an_order_records_nothing_unmatched(
    shop: InMemoryShop, what_is_left: str
) -> None:
    session_id = shop.upload(b"wedding")
    order_id = shop.pay(session_id)
    shop.live(order_id)
    payment = shop.order(order_id).payment
    assert payment is not None
    if what_is_left == "an erased order":
        shop.customer_erasure.erase(
            "ada@customer.example", actor="person:grace", reason="asked for it by mail"
        )
        assert shop.own_unit_of_work.pages.uploads[session_id].session.photos == ()
    else:
        del shop.own_unit_of_work.pages.uploads[session_id]
    take(shop, shop.webhook_event(payment.checkout_session_id, PaymentEventKind.PAID))
    assert shop.own_unit_of_work.pages.unmatched == {}
    wait(shop, shop.policy.payments.unmatched_wait)
    assert shop.unmatched_payment_service.refund_due() == 0
    assert [one.left for one in shop.payments.payments.values()] == [490]


def test_the_first_payment_and_its_order_are_left_alone(shop: InMemoryShop) -> None:
    checkout = pay_twice(shop)
    wait(shop, shop.policy.payments.unmatched_wait)
    shop.unmatched_payment_service.refund_due()
    assert [one.left for one in shop.payments.payments.values()] == [490, 0]
    (order_id,) = shop.own_unit_of_work.pages.streams
    assert shop.live(order_id).state is State.COMPLETED
    assert payment(shop, checkout).status is UnmatchedStatus.REFUNDED


def paid_elsewhere(shop: InMemoryShop) -> str:
    """A checkout that this shop did not open.

    It was made in the dashboard, or by another shop on the account.
    """
    shop.payment(shop.upload(b"wedding"))
    ((checkout, state),) = shop.payments.states.items()
    unsealed = replace(state.checkout, upload_session_id=None, order_id=None, payment_token=None)
    shop.payments.states[checkout] = replace(state, checkout=unsealed)
    take(shop, shop.webhook_event(checkout, PaymentEventKind.PAID))
    return checkout


def test_a_payment_without_our_token_is_neither_stored_nor_refunded_automatically(shop: InMemoryShop) -> None:
    paid_elsewhere(shop)
    shop.clock.advance(days=100)
    assert shop.unmatched_payment_service.refund_due() == 0
    assert not shop.own_unit_of_work.pages.unmatched
    assert not shop.own_unit_of_work.pages.inbox


def test_staff_refund_a_payment_without_our_token_by_naming_it(shop: InMemoryShop) -> None:
    checkout = paid_elsewhere(shop)
    shop.unmatched_payment_service.refund(checkout, **BRUNO)
    assert refunded_amount(shop, checkout) == 490


def test_staff_match_a_payment_without_our_token_to_its_photos(shop: InMemoryShop) -> None:
    checkout = paid_elsewhere(shop)
    session_id = shop.upload(b"harvest")
    order_id = shop.unmatched_payment_service.match(checkout, session_id, **BRUNO)
    assert shop.live(order_id).state is State.COMPLETED
    assert payment(shop, checkout).status is UnmatchedStatus.MATCHED


def test_naming_a_payment_without_our_token_stores_nothing_if_it_cannot_be_matched(
    shop: InMemoryShop,
) -> None:
    checkout = paid_elsewhere(shop)
    with pytest.raises(NotMatchableError):
        shop.unmatched_payment_service.match(checkout, UploadSessionId(uuid4()), **BRUNO)
    assert not shop.own_unit_of_work.pages.unmatched


def test_a_payment_of_an_order_cannot_be_refunded_as_one_without_an_order(shop: InMemoryShop) -> None:
    webhook_event = shop.payment(shop.upload(b"wedding"))
    take(shop, webhook_event)
    assert webhook_event.checkout is not None
    with pytest.raises(UnknownPaymentError):
        shop.unmatched_payment_service.refund(webhook_event.checkout.checkout_session_id, **BRUNO)


def test_our_own_payment_whose_session_is_lost_is_held_for_a_person(shop: InMemoryShop) -> None:
    webhook_event = shop.payment(shop.upload(b"wedding"))
    shop.own_unit_of_work.pages.uploads.clear()
    take(shop, webhook_event)
    assert webhook_event.checkout is not None
    shop.clock.advance(days=100)
    assert shop.unmatched_payment_service.refund_due() == 0
    checkout = webhook_event.checkout.checkout_session_id
    assert payment(shop, checkout).is_held
    shop.unmatched_payment_service.refund(checkout, **BRUNO)
    assert refunded_amount(shop, checkout) == 490


@pytest.mark.parametrize("payment_token", [None, "", "x" * 43, "\ud800"])
def test_a_stored_session_is_ours_whatever_its_token(shop: InMemoryShop, payment_token: str | None) -> None:
    session_id = shop.upload(b"wedding")
    order_id = shop.pay(session_id, payment_token=payment_token)
    assert shop.order(order_id).payment is not None


@pytest.mark.parametrize("payment_token", [None, "", "x" * 43, "\ud800"])
def test_without_a_stored_session_only_a_valid_token_counts(
    shop: InMemoryShop, payment_token: str | None
) -> None:
    webhook_event = shop.payment(shop.upload(b"wedding"), payment_token=payment_token)
    shop.own_unit_of_work.pages.uploads.clear()
    take(shop, webhook_event)
    assert not shop.own_unit_of_work.pages.unmatched


def test_a_token_is_valid_for_its_own_session_only(shop: InMemoryShop) -> None:
    other = shop.payment(shop.upload(b"harvest"))
    assert other.checkout is not None
    webhook_event = shop.payment(shop.upload(b"wedding"), payment_token=other.checkout.payment_token)
    shop.own_unit_of_work.pages.uploads.clear()
    take(shop, webhook_event)
    assert not shop.own_unit_of_work.pages.unmatched


def test_a_free_one_is_settled_without_a_call(shop: InMemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    shop.pay(session_id)
    nothing = Money(amount=0, currency="EUR")
    paid = shop.payment(shop.upload(b"harvest"))
    assert paid.checkout is not None
    free = replace(paid.checkout, upload_session_id=session_id, payment_intent_id=None, paid=nothing)
    take(shop, replace(paid, checkout=free))
    wait(shop, shop.policy.payments.unmatched_wait)
    calls = len(shop.payments.fault_injector.calls)
    assert shop.unmatched_payment_service.refund_due() == 1
    assert len(shop.payments.fault_injector.calls) == calls


def test_a_refund_whose_reply_was_lost_is_repeated_under_the_same_key(shop: InMemoryShop) -> None:
    checkout = pay_twice(shop)
    wait(shop, shop.policy.payments.unmatched_wait)
    shop.payments.fault_injector.lose_reply("issue_refund")
    with pytest.raises(LostReplyError):
        shop.unmatched_payment_service.refund_due()
    assert payment(shop, checkout).status is UnmatchedStatus.REFUNDING
    assert payment(shop, checkout).problem is not None
    assert shop.unmatched_payment_service.refund_due() == 0, "nobody asks again at once"
    wait(shop, UNKNOWN_AGAIN)
    assert shop.unmatched_payment_service.refund_due() == 1
    assert refunded_amount(shop, checkout) == 490
    assert payment(shop, checkout).problem is None


@pytest.mark.parametrize("was_made", [True, False])
def test_after_a_day_only_a_lookup_shows_whether_it_was_refunded(shop: InMemoryShop, was_made: bool) -> None:  # noqa: FBT001 -- a parameter
    checkout = pay_twice(shop)
    wait(shop, shop.policy.payments.unmatched_wait)
    if was_made:
        shop.payments.fault_injector.lose_reply("issue_refund")
    else:
        shop.payments.fault_injector.fail("issue_refund", UNAVAILABLE)
    with pytest.raises(UnavailableError):
        shop.unmatched_payment_service.refund_due()
    shop.clock.advance(hours=24)
    shop.unmatched_payment_service.refund_due()
    asked = [call.method for call in shop.payments.fault_injector.calls]
    assert asked.count("issue_refund") == 1
    assert payment(shop, checkout).status is (UnmatchedStatus.REFUNDED if was_made else UnmatchedStatus.OPEN)
    wait(shop, REFUSED_AGAIN)
    shop.unmatched_payment_service.refund_due()
    assert refunded_amount(shop, checkout) == 490


def test_a_refusal_is_kept_and_tried_again_the_next_day(shop: InMemoryShop) -> None:
    checkout = pay_twice(shop)
    wait(shop, shop.policy.payments.unmatched_wait)
    shop.payments.fault_injector.fail("issue_refund", REFUSED)
    assert shop.unmatched_payment_service.refund_due() == 0
    refused = payment(shop, checkout)
    assert (refused.status, refused.problem) == (UnmatchedStatus.OPEN, "balance_insufficient")
    assert shop.unmatched_payment_service.refund_due() == 0
    wait(shop, REFUSED_AGAIN)
    assert shop.unmatched_payment_service.refund_due() == 1
    assert payment(shop, checkout).problem is None


def test_a_failing_refund_does_not_block_the_others(shop: InMemoryShop) -> None:
    pay_twice(shop)
    other = pay_twice(shop)
    wait(shop, shop.policy.payments.unmatched_wait)
    shop.payments.fault_injector.fail("issue_refund", UNAVAILABLE)
    with pytest.raises(UnavailableError):
        shop.unmatched_payment_service.refund_due()
    assert refunded_amount(shop, other) == 490


def test_a_refund_that_fails_later_is_made_again(shop: InMemoryShop) -> None:
    checkout = pay_twice(shop)
    wait(shop, shop.policy.payments.unmatched_wait)
    shop.unmatched_payment_service.refund_due()
    intent = intent_of(shop, checkout)
    (_, made) = shop.payments.payments[intent].refunds[0]
    take(shop, of_refund(intent, made))
    assert payment(shop, checkout).status is UnmatchedStatus.REFUNDED
    shop.payments.fail_refund(made.provider_refund_id)
    take(shop, of_refund(intent, made, has_failed=True), of_refund(intent, made))
    assert payment(shop, checkout).status is UnmatchedStatus.OPEN
    assert shop.unmatched_payment_service.refund_due() == 1
    assert refunded_amount(shop, checkout) == 490


def test_a_pending_refund_is_on_its_way_until_the_provider_has_paid_it(shop: InMemoryShop) -> None:
    checkout = pay_twice(shop)
    intent = intent_of(shop, checkout)
    shop.payments.refunds_pending = True
    after = shop.unmatched_payment_service.refund(checkout, **BRUNO)
    assert (after.status, after.left.amount, after.problem) == (UnmatchedStatus.REFUNDING, 490, None)
    (_, made) = shop.payments.payments[intent].refunds[0]
    take(shop, of_refund(intent, made))
    assert (payment(shop, checkout).status, payment(shop, checkout).left.amount) == (
        UnmatchedStatus.REFUNDING,
        490,
    )
    take(shop, of_refund(intent, shop.payments.pay_refund(made.provider_refund_id)))
    assert payment(shop, checkout).status is UnmatchedStatus.REFUNDED
    assert len(shop.payments.payments[intent].refunds) == 1


@pytest.mark.parametrize("is_paid", [True, False])
def test_the_sweep_sees_how_a_pending_refund_ended(shop: InMemoryShop, is_paid: bool) -> None:  # noqa: FBT001 -- a parameter
    checkout = pay_twice(shop)
    shop.payments.refunds_pending = True
    shop.unmatched_payment_service.refund(checkout, **BRUNO)
    wait(shop, PENDING_AGAIN)
    assert shop.unmatched_payment_service.refund_due() == 0
    assert payment(shop, checkout).status is UnmatchedStatus.REFUNDING
    (_, made) = shop.payments.payments[intent_of(shop, checkout)].refunds[0]
    end = shop.payments.pay_refund if is_paid else shop.payments.fail_refund
    end(made.provider_refund_id)
    shop.payments.refunds_pending = False
    wait(shop, PENDING_AGAIN)
    assert shop.unmatched_payment_service.refund_due() == is_paid
    assert payment(shop, checkout).status is (UnmatchedStatus.REFUNDED if is_paid else UnmatchedStatus.OPEN)
    wait(shop, REFUSED_AGAIN)
    assert shop.unmatched_payment_service.refund_due() == (not is_paid)
    assert refunded_amount(shop, checkout) == 490


def test_a_pending_refund_that_fails_is_due_again_at_once(shop: InMemoryShop) -> None:
    checkout = pay_twice(shop)
    intent = intent_of(shop, checkout)
    shop.payments.refunds_pending = True
    shop.unmatched_payment_service.refund(checkout, **BRUNO)
    (_, made) = shop.payments.payments[intent].refunds[0]
    shop.payments.fail_refund(made.provider_refund_id)
    shop.payments.refunds_pending = False
    take(shop, of_refund(intent, made, has_failed=True))
    assert payment(shop, checkout).status is UnmatchedStatus.OPEN
    assert shop.unmatched_payment_service.refund_due() == 1
    assert refunded_amount(shop, checkout) == 490


def test_a_refund_made_in_the_dashboard_closes_it(shop: InMemoryShop) -> None:
    checkout = pay_twice(shop)
    intent = intent_of(shop, checkout)
    take(shop, of_refund(intent, shop.payments.refund_by_hand(intent, 200)))
    assert payment(shop, checkout).status is UnmatchedStatus.OPEN
    assert payment(shop, checkout).left.amount == 290
    wait(shop, shop.policy.payments.unmatched_wait)
    assert shop.unmatched_payment_service.refund_due() == 1
    assert refunded_amount(shop, checkout) == 490


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(DisputeOutcome.LOST, UnmatchedStatus.REFUNDED), (DisputeOutcome.WON, UnmatchedStatus.OPEN)],
)
@pytest.mark.parametrize("in_reverse", [False, True])
def test_a_dispute_takes_the_money_unless_it_is_won(
    shop: InMemoryShop,
    outcome: DisputeOutcome,
    status: UnmatchedStatus,
    in_reverse: bool,  # noqa: FBT001 -- a parameter
) -> None:
    checkout = pay_twice(shop)
    intent = intent_of(shop, checkout)
    webhook_events = [of_dispute(intent), of_dispute(intent, outcome)]
    take(shop, *(reversed(webhook_events) if in_reverse else webhook_events))
    assert payment(shop, checkout).status is status


def test_a_refund_webhook_before_its_unmatched_payment_closes_it(shop: InMemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    shop.pay(session_id)
    foreign = shop.checkout(shop.upload(b"harvest"))
    intent = shop.payments.pay(foreign)
    state = shop.payments.states[foreign]
    shop.payments.states[foreign] = replace(
        state, checkout=replace(state.checkout, upload_session_id=session_id)
    )
    take(shop, of_refund(intent, shop.payments.refund_by_hand(intent, 490)))
    take(shop, shop.webhook_event(foreign, PaymentEventKind.PAID))
    assert payment(shop, foreign).status is UnmatchedStatus.REFUNDED


def test_a_refund_in_the_dashboard_while_the_shop_makes_its_own_is_the_one_that_counts(
    shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = pay_twice(shop)
    intent = intent_of(shop, checkout)
    issue = shop.payments.issue_refund

    def issue_and_be_overtaken(request: NewRefund) -> ProviderRefund:
        take(shop, of_refund(intent, shop.payments.refund_by_hand(intent, 490)))
        return issue(request)

    monkeypatch.setattr(shop.payments, "issue_refund", issue_and_be_overtaken)
    after = shop.unmatched_payment_service.refund(checkout, **BRUNO)
    assert (after.status, after.problem) == (UnmatchedStatus.REFUNDED, None)
    assert refunded_amount(shop, checkout) == 490


def test_a_person_pays_it_back_at_once_and_the_reason_is_kept(shop: InMemoryShop) -> None:
    checkout = pay_twice(shop)
    after = shop.unmatched_payment_service.refund(checkout, **BRUNO)
    assert after == payment(shop, checkout)
    assert (after.status, after.actor, after.note) == (UnmatchedStatus.REFUNDED, *BRUNO.values())
    assert after.decided_at == shop.clock.now()
    assert refunded_amount(shop, checkout) == 490


def test_what_a_person_resolved_to_pay_back_is_tried_again_without_any_wait(shop: InMemoryShop) -> None:
    checkout = pay_twice(shop)
    shop.payments.fault_injector.fail("issue_refund", REFUSED)
    assert shop.unmatched_payment_service.refund(checkout, **BRUNO).status is UnmatchedStatus.OPEN
    wait(shop, REFUSED_AGAIN)
    assert shop.unmatched_payment_service.refund_due() == 1
    assert payment(shop, checkout).actor == "person:bruno"


def test_a_matched_payment_begins_the_order_of_the_photos_it_is_given_to(shop: InMemoryShop) -> None:
    checkout = pay_twice(shop)
    session_id = shop.upload(b"harvest")
    order_id = shop.unmatched_payment_service.match(checkout, session_id, **BRUNO)
    order = shop.live(order_id)
    assert order.state is State.COMPLETED
    assert order.payment is not None
    assert order.payment.checkout_session_id == checkout
    assert len(shop.mailer.mails_to("ada@customer.example")) == 4, "of both orders"
    with shop.unit_of_work.transaction() as transaction:
        assert transaction.event_store.history(order_id)[0].actor == "person:bruno"
    matched = payment(shop, checkout)
    assert (matched.status, matched.matched_session_id) == (UnmatchedStatus.MATCHED, session_id)
    assert (matched.actor, matched.note) == tuple(BRUNO.values())


def test_a_matched_payment_is_never_refunded_automatically_and_its_webhook_may_repeat(
    shop: InMemoryShop,
) -> None:
    checkout = pay_twice(shop)
    order_id = shop.unmatched_payment_service.match(checkout, shop.upload(b"harvest"), **BRUNO)
    take(shop, shop.webhook_event(checkout, PaymentEventKind.PAID))
    shop.clock.advance(days=100)
    assert shop.unmatched_payment_service.refund_due() == 0
    assert refunded_amount(shop, checkout) == 0
    intent = intent_of(shop, checkout)
    take(shop, of_refund(intent, shop.payments.refund_by_hand(intent, 490)))
    assert shop.order(order_id).state is State.REFUNDED


def test_a_payment_of_another_amount_than_the_photos_cost_is_held(shop: InMemoryShop) -> None:
    checkout = pay_twice(shop)
    order_id = shop.unmatched_payment_service.match(checkout, shop.upload(b"harvest", b"portrait"), **BRUNO)
    assert shop.live(order_id).hold is HoldReason.AMOUNT_MISMATCH
    assert not shop.order(order_id).restored_images


def test_photos_that_came_after_the_quote_are_quoted_anew(shop: InMemoryShop) -> None:
    checkout = pay_twice(shop)
    session_id = shop.upload(b"harvest")
    abandoned = shop.checkout(session_id)
    shop.payments.expire(abandoned)
    take(shop, shop.webhook_event(abandoned, PaymentEventKind.ABANDONED))
    shop.add(session_id, b"portrait")
    order = shop.order(shop.unmatched_payment_service.match(checkout, session_id, **BRUNO))
    assert order.payment is not None
    assert order.payment.quoted == Money(amount=980, currency="EUR")
    assert order.hold is HoldReason.AMOUNT_MISMATCH


def test_only_an_open_payment_can_be_refunded_or_matched(shop: InMemoryShop) -> None:
    harvest = shop.upload(b"harvest")
    for name in ("cs_nobodys", pay_twice(shop)):
        error = UnknownPaymentError if name == "cs_nobodys" else PaymentNotOpenError
        if error is PaymentNotOpenError:
            shop.unmatched_payment_service.refund(name, **BRUNO)
        with pytest.raises(error):
            shop.unmatched_payment_service.refund(name, **BRUNO)
        with pytest.raises(error):
            shop.unmatched_payment_service.match(name, harvest, **BRUNO)


def test_a_payment_on_its_way_back_cannot_be_matched(shop: InMemoryShop) -> None:
    checkout = pay_twice(shop)
    shop.payments.fault_injector.lose_reply("issue_refund")
    with pytest.raises(LostReplyError):
        shop.unmatched_payment_service.refund(checkout, **BRUNO)
    with pytest.raises(PaymentNotOpenError, match="refunding"):
        shop.unmatched_payment_service.match(checkout, shop.upload(b"harvest"), **BRUNO)


def test_photos_that_cannot_be_paid_with_it_are_refused_with_what_to_do(shop: InMemoryShop) -> None:
    checkout = pay_twice(shop)
    paid, expired = shop.upload(b"harvest"), shop.upload(b"late")
    shop.pay(paid)
    expired_checkout = shop.checkout(expired)
    shop.payments.expire(expired_checkout)
    shop.clock.advance(days=8)
    shop.storage.fault_injector.fail("purge", UNAVAILABLE)
    with pytest.raises(UnavailableError):
        shop.upload_cleanup.tidy()
    for session_id, problem in [
        (paid, "paid already"),
        (expired, "has expired"),
        (UploadSessionId(uuid4()), "no such session"),
    ]:
        with pytest.raises(NotMatchableError, match=problem):
            shop.unmatched_payment_service.match(checkout, session_id, **BRUNO)
    assert payment(shop, checkout).status is UnmatchedStatus.OPEN


def test_an_empty_session_takes_no_payment(shop: InMemoryShop) -> None:
    with pytest.raises(NotMatchableError, match="holds no photo"):
        shop.unmatched_payment_service.match(pay_twice(shop), shop.upload_service.open().session_id, **BRUNO)


def test_a_partly_refunded_payment_cannot_be_matched(shop: InMemoryShop) -> None:
    checkout = pay_twice(shop)
    intent = intent_of(shop, checkout)
    take(shop, of_refund(intent, shop.payments.refund_by_hand(intent, 200)))
    with pytest.raises(NotMatchableError, match="is left of it; refund the rest"):
        shop.unmatched_payment_service.match(checkout, shop.upload(b"harvest"), **BRUNO)


def test_a_payment_whose_payer_the_provider_does_not_know_cannot_be_matched(shop: InMemoryShop) -> None:
    checkout = pay_twice(shop)
    del shop.payments.states[checkout]
    with pytest.raises(NotMatchableError, match="refund it instead"):
        shop.unmatched_payment_service.match(checkout, shop.upload(b"harvest"), **BRUNO)


def test_what_a_bank_returns_after_the_rest_was_refunded_is_refunded_as_well(shop: InMemoryShop) -> None:
    session_id = shop.upload(b"wedding", b"harvest")
    shop.pay(session_id)
    webhook_event = shop.payment(shop.upload(b"portrait", b"garden"), upload_session_id=session_id)
    take(shop, webhook_event)
    assert webhook_event.checkout is not None
    checkout = webhook_event.checkout.checkout_session_id
    intent = intent_of(shop, checkout)
    take(shop, of_dispute(intent))  # half of what was paid
    wait(shop, shop.policy.payments.unmatched_wait)
    assert shop.unmatched_payment_service.refund_due() == 1
    assert refunded_amount(shop, checkout) == 490
    take(shop, of_dispute(intent, DisputeOutcome.WON))
    wait(shop, REFUSED_AGAIN)
    shop.unmatched_payment_service.refund_due()
    assert payment(shop, checkout).status is UnmatchedStatus.REFUNDED
    assert refunded_amount(shop, checkout) == 980


def test_a_failed_refund_after_the_rest_was_paid_is_refunded_as_well(shop: InMemoryShop) -> None:
    """A recorded refund does not answer an attempt at the rest."""
    checkout = pay_twice(shop)
    intent = intent_of(shop, checkout)
    by_hand = shop.payments.refund_by_hand(intent, 90)
    take(shop, of_refund(intent, by_hand))
    wait(shop, timedelta(days=7))
    assert shop.unmatched_payment_service.refund_due() == 1
    assert refunded_amount(shop, checkout) == 490
    shop.payments.fail_refund(by_hand.provider_refund_id)
    take(shop, of_refund(intent, by_hand, has_failed=True))
    wait(shop, REFUSED_AGAIN)
    assert shop.unmatched_payment_service.refund_due() == 1
    assert refunded_amount(shop, checkout) == 490


def test_a_payment_for_no_photo_is_recorded_as_unmatched(shop: InMemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    page = shop.checkout(session_id)
    shop.payments.expire(page)
    take(shop, shop.webhook_event(page, PaymentEventKind.ABANDONED))
    [photo] = shop.upload_service.find(session_id).photos
    shop.photo_removal.remove(session_id, photo.photo_id)
    shop.payments.pay(page)
    take(shop, shop.webhook_event(page, PaymentEventKind.PAID))
    assert payment(shop, page).status is UnmatchedStatus.OPEN


def test_a_payment_that_staff_settles_during_the_run_is_left_alone(
    shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pay_twice(shop), pay_twice(shop)
    wait(shop, shop.policy.payments.unmatched_wait)
    issue_refund = shop.payments.issue_refund

    def settle_the_other(request: NewRefund) -> ProviderRefund:
        monkeypatch.setattr(shop.payments, "issue_refund", issue_refund)
        other = second if request.payment_intent_id == intent_of(shop, first) else first
        shop.unmatched_payment_service.refund(other, **BRUNO)
        return issue_refund(request)

    monkeypatch.setattr(shop.payments, "issue_refund", settle_the_other)
    assert shop.unmatched_payment_service.refund_due() == 1
    settled = [payment(shop, each) for each in (first, second)]
    assert {each.status for each in settled} == {UnmatchedStatus.REFUNDED}
    assert {each.actor for each in settled} == {"shop", BRUNO["actor"]}


def test_a_payment_without_our_token_records_who_named_it(shop: InMemoryShop) -> None:
    checkout = paid_elsewhere(shop)
    shop.unmatched_payment_service.refund(checkout, **BRUNO)
    assert payment(shop, checkout).reason == "It does not carry this shop's signed token; staff named it."
