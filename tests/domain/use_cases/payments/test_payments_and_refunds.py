"""Payments, checkouts and refunds, with webhooks in any order and number."""

from dataclasses import replace
from typing import Any

import pytest

from domain.order import events as e
from domain.order.ledger import RefundStatus
from domain.order.states import State
from domain.order.values import DisputeOutcome, FailureReason, HoldReason, Money, RefundReason
from domain.ports.errors import LostReplyError, UnavailableError
from domain.ports.payments import PaymentEventKind, PaymentWebhookEvent, ProviderRefund
from domain.signed_tokens import sha256_of
from domain.use_cases.order_transaction import Cause
from domain.use_cases.support.staff_requests import StaffRequest
from tests.domain.support.assertions import kinds, order_of, sent
from tests.doubles.container import InMemoryShop
from tests.doubles.email import token_in

GRACE = StaffRequest(actor="person:grace", reason="They asked for it on the phone.")

UNAVAILABLE = UnavailableError("The double", "out for lunch")


def refund_event(intent: str | None, provider_refund_id: str) -> PaymentWebhookEvent:
    return PaymentWebhookEvent(
        event_id=f"evt_{provider_refund_id}",
        event_type="refund.updated",
        kind=PaymentEventKind.REFUND_ISSUED,
        payment_intent_id=intent,
        refund=ProviderRefund(
            provider_refund_id=provider_refund_id,
            has_failed=False,
            amount=Money(amount=490, currency="EUR"),
        ),
    )


def dispute_event(intent: str, outcome: DisputeOutcome | None) -> PaymentWebhookEvent:
    return PaymentWebhookEvent(
        event_id=f"evt_dispute_{outcome}",
        event_type="charge.dispute.closed" if outcome else "charge.dispute.created",
        kind=PaymentEventKind.DISPUTE_CLOSED if outcome else PaymentEventKind.DISPUTE_OPENED,
        payment_intent_id=intent,
        dispute_id="dp_1",
        dispute_amount=Money(amount=490, currency="EUR"),
        reason="fraudulent",
        outcome=outcome,
    )


def test_asking_twice_for_the_checkout_gives_the_same_page(shop: InMemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    first, second = (shop.checkout_service.open(session_id, email=None) for _ in range(2))
    assert first == second
    assert first.quoted == Money(amount=490, currency="EUR")


def test_a_checkout_whose_reply_was_lost_is_opened_once_at_the_provider(shop: InMemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    shop.payments.fault_injector.lose_reply("open_checkout")
    with pytest.raises(LostReplyError):
        shop.checkout_service.open(session_id, email=None)
    shop.checkout_service.open(session_id, email=None)
    assert len(shop.payments.checkouts) == 1


def test_a_checkout_that_was_never_answered_is_quoted_anew_after_minutes(shop: InMemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    shop.payments.fault_injector.lose_reply("open_checkout")
    with pytest.raises(LostReplyError):
        shop.checkout_service.open(session_id, email=None)
    shop.clock.advance(minutes=5)
    shop.checkout_service.open(session_id, email=None)
    assert len(shop.payments.checkouts) == 2


def test_a_repeated_webhook_creates_one_order(shop: InMemoryShop) -> None:
    webhook_event = shop.payment(shop.upload(b"wedding"))
    for _ in range(3):
        shop.payment_webhook.handle(webhook_event, sha256_of(b"webhook event"))
    assert kinds(shop, order_of(webhook_event)) == [e.PaymentReceived]


def test_another_event_about_the_same_checkout_makes_no_second_order(shop: InMemoryShop) -> None:
    webhook_event = shop.payment(shop.upload(b"wedding"))
    shop.payment_webhook.handle(webhook_event, sha256_of(b"webhook event"))
    shop.payment_webhook.handle(replace(webhook_event, event_id="evt_other"), sha256_of(b"webhook event"))
    assert kinds(shop, order_of(webhook_event)) == [e.PaymentReceived]


def test_a_second_payment_for_a_session_takes_no_order_number(shop: InMemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    shop.pay(session_id)
    second = shop.payment(shop.upload(b"harvest"), upload_session_id=session_id)
    shop.payment_webhook.handle(second, sha256_of(b"2"))
    assert [payment.reason for payment in shop.own_unit_of_work.pages.unmatched.values()] == [
        "The order was paid before."
    ]
    third = shop.order(shop.pay(shop.upload(b"portrait"))).payment
    assert third is not None
    assert third.order_number.endswith("-000002")


def test_our_payment_for_an_unknown_session_is_recorded_as_unmatched(shop: InMemoryShop) -> None:
    webhook_event = shop.payment(shop.upload(b"wedding"))
    shop.own_unit_of_work.pages.uploads.clear()
    shop.payment_webhook.handle(webhook_event, sha256_of(b"1"))
    assert not shop.events(order_of(webhook_event))
    assert [payment.paid.amount for payment in shop.own_unit_of_work.pages.unmatched.values()] == [490]


def test_a_payment_for_an_expired_session_is_recorded_as_unmatched(shop: InMemoryShop) -> None:
    webhook_event = shop.payment(shop.upload(b"forgotten"))
    shop.clock.advance(days=8)
    shop.storage.fault_injector.fail(
        "purge", UNAVAILABLE
    )  # the session expires, and its photos are still on their way out
    with pytest.raises(UnavailableError):
        shop.upload_cleanup.tidy()
    shop.payment_webhook.handle(webhook_event, sha256_of(b"1"))
    assert not shop.events(order_of(webhook_event))
    assert [payment.paid.amount for payment in shop.own_unit_of_work.pages.unmatched.values()] == [490]


@pytest.mark.parametrize(
    "facts",
    [
        {"paid": Money(amount=1, currency="EUR")},
        {"paid": Money(amount=491, currency="EUR")},
        {"paid": Money(amount=490, currency="USD"), "discount": Money(amount=0, currency="USD")},
        {"paid": Money(amount=0, currency="USD"), "discount": Money(amount=490, currency="USD")},
        {"paid": Money(amount=400, currency="EUR"), "discount": Money(amount=91, currency="EUR")},
    ],
)
def test_another_amount_or_currency_than_was_quoted_holds_the_order_and_starts_nothing(
    shop: InMemoryShop, facts: dict[str, Any]
) -> None:
    order = shop.live(shop.pay(shop.upload(b"wedding"), **facts))
    assert order.hold is HoldReason.AMOUNT_MISMATCH
    assert order.state is State.PAID
    assert order.payment is not None
    assert (order.payment.quoted, order.payment.paid) == (Money(amount=490, currency="EUR"), facts["paid"])
    assert not shop.restorer.works


def test_a_refund_whose_reply_was_lost_is_paid_once(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.payments.fault_injector.lose_reply("issue_refund")
    shop.end_predictions(FailureReason.REFUSED_INPUT)
    order = shop.live(order_id)
    assert order.state is State.REFUNDED
    assert [len(payment.refunds) for payment in shop.payments.payments.values()] == [1]


def test_a_refund_whose_reply_was_lost_before_a_dispute_is_paid_once(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.payments.fault_injector.lose_reply("issue_refund")
    shop.end_predictions(FailureReason.REFUSED_INPUT)
    shop.work()
    [payment] = shop.payments.payments.values()
    assert len(payment.refunds) == 1
    shop.payment_webhook.handle(dispute_event(payment.payment_intent_id, None), sha256_of(b"opened"))
    shop.live(order_id, hours=48)
    shop.payments.forget_keys()
    payment.paid = payment.paid + payment.paid  # a provider that would pay it back again
    shop.payment_webhook.handle(
        dispute_event(payment.payment_intent_id, DisputeOutcome.WON), sha256_of(b"won")
    )
    assert shop.live(order_id).state is State.REFUNDED
    assert len(payment.refunds) == 1


@pytest.mark.parametrize("outcome", [DisputeOutcome.WON, DisputeOutcome.LOST, DisputeOutcome.PREVENTED])
def test_a_refund_overtaken_by_a_dispute_waits_for_the_bank_alone(
    shop: InMemoryShop, outcome: DisputeOutcome
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    [payment] = shop.payments.payments.values()
    payment.is_disputed = True
    shop.end_predictions(FailureReason.REFUSED_INPUT)
    shop.work()
    shop.payment_webhook.handle(dispute_event(payment.payment_intent_id, None), sha256_of(b"opened"))
    order = shop.live(order_id, hours=48)
    assert (order.hold, order.ledger.requested) == (None, 490)
    payment.is_disputed = False
    shop.payment_webhook.handle(dispute_event(payment.payment_intent_id, outcome), sha256_of(b"closed"))
    assert shop.live(order_id).state is State.REFUNDED
    assert payment.left == (490 if outcome is DisputeOutcome.LOST else 0)


def test_a_result_that_a_dispute_kept_back_too_long_goes_out_once_and_with_a_link_that_is_good(
    shop: InMemoryShop,
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.mailer.fault_injector.fail("send", UNAVAILABLE)
    shop.end_predictions()
    shop.work()
    assert shop.order(order_id).state is State.READY
    [intent] = shop.payments.payments
    shop.payment_webhook.handle(dispute_event(intent, None), sha256_of(b"opened"))
    shop.live(order_id)
    shop.clock.advance(days=40)
    shop.payment_webhook.handle(dispute_event(intent, DisputeOutcome.WON), sha256_of(b"won"))
    assert shop.live(order_id).state is State.COMPLETED
    assert sent(shop) == ["confirmation", "result"]
    token = token_in(list(shop.mailer.mailbox.values())[-1].content)
    order, link = shop.downloads.open(token or "")
    assert (order.order_id, link) == (order_id, order.newest_link)


def test_a_refund_made_in_the_dashboard_is_recorded(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    payment = shop.order(order_id).payment
    assert payment is not None
    assert payment.payment_intent_id is not None
    made = shop.payments.refund_by_hand(payment.payment_intent_id, 490)
    for _ in range(2):
        webhook_event = refund_event(payment.payment_intent_id, made.provider_refund_id)
        shop.payment_webhook.handle(webhook_event, sha256_of(b"1"))
    order = shop.live(order_id)
    assert order.state is State.REFUNDED
    assert [refund.reason for refund in order.refunds.values()] == [RefundReason.AT_PROVIDER]
    assert sent(shop) == ["refund"]  # what was still to be said before is not worth a mail any more


def test_a_refund_that_is_found_failed_at_the_provider_is_not_taken_for_issued(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.payments.fault_injector.lose_reply("issue_refund")
    shop.end_predictions(FailureReason.REFUSED_INPUT)
    shop.work()
    [payment] = shop.payments.payments.values()
    shop.payments.fail_refund(payment.refunds[0][1].provider_refund_id)
    shop.clock.advance(days=2)
    shop.reaction_runner.resend_due()
    shop.work()
    order = shop.order(order_id)
    assert [refund.status for refund in order.refunds.values()] == [RefundStatus.FAILED]
    assert order.hold is HoldReason.REFUND_NOT_ISSUED


def test_a_refund_that_failed_and_was_left_alone_for_a_day_comes_back_to_a_person(shop: InMemoryShop) -> None:
    """A late lookup records the failure it finds.

    Staff who released the order see that no refund was made.
    """
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.staff_actions.refund(order_id, GRACE)
    shop.work()
    refund = next(iter(shop.order(order_id).refunds.values()))
    assert refund.provider_refund_id is not None
    shop.payments.fail_refund(refund.provider_refund_id)
    failed = e.RefundFailed(
        refund_id=refund.refund_id, provider_refund_id=refund.provider_refund_id, reason="declined"
    )
    cause = Cause(name="stripe", key="evt_failed", actor="stripe", correlation_id=order_id)
    shop.command_handler.handle(order_id, [failed], cause)
    shop.staff_actions.release(order_id, GRACE)
    shop.queue.waiting.clear()
    shop.clock.advance(hours=24)
    assert shop.live(order_id, hours=0.1).hold is HoldReason.REFUND_NOT_ISSUED
    shop.staff_actions.release(order_id, GRACE)
    assert shop.live(order_id, hours=0.1).state is State.REFUNDED
