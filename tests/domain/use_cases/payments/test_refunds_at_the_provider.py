"""The provider's API decides a refund's status: pending, paid, failed or absent."""

from dataclasses import replace
from uuid import uuid4

import pytest

from adapters.localization.attention_text import attention_text_of
from domain.order import events as e
from domain.order.states import State
from domain.order.values import EmailKind, FailureReason, HoldReason, Money
from domain.ports.errors import RefusedError
from domain.ports.payments import PaymentEventKind, PaymentWebhookEvent, ProviderRefund, refund_kind
from domain.signed_tokens import sha256_of
from domain.use_cases.payments.payment_events import Handled
from domain.use_cases.support.attention_items import AttentionKind
from domain.use_cases.support.attention_list import AttentionList
from domain.use_cases.support.staff_requests import StaffRequest
from tests.doubles.container import InMemoryShop


def refund_event(refund: ProviderRefund) -> PaymentWebhookEvent:
    return PaymentWebhookEvent(
        event_id=f"evt_{uuid4()}",
        event_type="refund.updated",
        kind=refund_kind(refund),
        payment_intent_id=refund.payment_intent_id,
        refund=refund,
        refund_id=refund.refund_id,
    )


def take(shop: InMemoryShop, refund: ProviderRefund) -> Handled:
    webhook_event = refund_event(refund)
    return shop.payment_webhook.handle(webhook_event, sha256_of(webhook_event.event_id))


def test_a_refund_that_begins_as_pending_ends_the_order_when_it_is_paid(shop: InMemoryShop) -> None:
    shop.payments.refunds_pending = True
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.end_predictions(FailureReason.REFUSED_INPUT)
    shop.work()
    [(_, made)] = next(iter(shop.payments.payments.values())).refunds
    order = shop.order(order_id)
    assert (order.state, order.ledger.pending, order.refunded_amount) == (State.REFUNDING, 490, 0)
    assert [mail.kind for mail in order.emails.values()] == [EmailKind.CONFIRMATION, EmailKind.FAILURE]
    assert take(shop, shop.payments.pay_refund(made.provider_refund_id)) is Handled.RECORDED
    order = shop.order(order_id)
    assert (order.state, order.refunded_amount) == (State.REFUNDED, 490)
    assert [mail.kind for mail in order.emails.values()] == [EmailKind.CONFIRMATION, EmailKind.FAILURE]


@pytest.mark.parametrize("has_failed", [False, True])
def test_a_refund_that_the_api_does_not_know_is_not_believed(shop: InMemoryShop, *, has_failed: bool) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    payment = shop.order(order_id).payment
    assert payment is not None
    made_up = ProviderRefund(
        provider_refund_id="re_made_up",
        has_failed=has_failed,
        amount=Money(amount=490, currency="EUR"),
        payment_intent_id=payment.payment_intent_id,
    )
    before = shop.order(order_id)
    for _ in range(2):
        assert take(shop, made_up) is Handled.REFUND_UNKNOWN
    assert shop.order(order_id) == before
    assert len(shop.own_unit_of_work.pages.inbox) >= 2  # the webhook event is known, and answered with 200


def test_amount_and_payment_of_a_refund_come_from_the_api_not_from_the_webhook(
    shop: InMemoryShop,
) -> None:
    paid, other = (shop.pay(shop.upload(photo)) for photo in (b"wedding", b"harvest"))
    payment = shop.order(paid).payment
    assert payment is not None
    assert payment.payment_intent_id is not None
    made = shop.payments.refund_by_hand(payment.payment_intent_id, 100)
    other_payment = shop.order(other).payment
    assert other_payment is not None
    lie = replace(
        made, amount=Money(amount=490, currency="EUR"), payment_intent_id=other_payment.payment_intent_id
    )
    assert take(shop, lie) is Handled.RECORDED
    assert shop.order(paid).refunded_amount == 100
    assert not any(
        isinstance(one.event, e.RefundIssued) for one in shop.own_unit_of_work.pages.streams[other]
    )


def test_a_refund_paid_by_hand_and_in_the_dashboard_is_recorded_held_and_shown(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    payment = shop.order(order_id).payment
    assert payment is not None
    assert payment.payment_intent_id is not None
    shop.payments.fault_injector.fail(
        "issue_refund", RefusedError("The double", "the card is gone", code="declined")
    )
    shop.staff_actions.refund(order_id, StaffRequest(actor="person:grace", reason="They asked for it."))
    shop.work()
    by_hand = StaffRequest(actor="person:grace", reason="Paid by bank transfer.")
    shop.staff_actions.record_manual_refund(order_id, by_hand)
    made = shop.payments.refund_by_hand(payment.payment_intent_id, 490)
    assert take(shop, made) is Handled.RECORDED
    assert take(shop, made) is Handled.RECORDED
    order = shop.order(order_id)
    assert (order.hold, order.ledger.issued, order.ledger.overpaid) == (HoldReason.OVERPAID, 980, 490)
    [attention_item] = [
        each for each in AttentionList(unit_of_work=shop.unit_of_work).items() if each.order_id == order_id
    ]
    assert attention_text_of(attention_item) == "more was paid back for it than was paid"


def test_an_overpaid_order_held_for_another_reason_is_listed_with_the_amount(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    intent = shop.order(order_id).payment.payment_intent_id  # type: ignore[union-attr]
    assert intent is not None
    by = StaffRequest(actor="person:grace", reason="They asked for it.")
    shop.payments.fault_injector.fail("issue_refund", RefusedError("The double", "no", code="declined"))
    shop.staff_actions.refund(order_id, by)
    shop.work()
    shop.staff_actions.record_manual_refund(order_id, by)
    take(shop, shop.payments.refund_by_hand(intent, 490))
    shop.staff_actions.release(order_id, by)
    shop.staff_actions.hold(order_id, by)
    shown = {
        each.kind: attention_text_of(each) for each in AttentionList(unit_of_work=shop.unit_of_work).items()
    }
    assert shown == {
        AttentionKind.ON_HOLD: "a staff member asked for it",
        AttentionKind.OVERPAID: "4.90 EUR more was paid back than was paid",
    }


def test_refunds_are_fetched_for_a_webhook_that_names_only_the_charge(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    payment = shop.order(order_id).payment
    assert payment is not None
    assert payment.payment_intent_id is not None
    for amount in (100, 200):
        shop.payments.refund_by_hand(payment.payment_intent_id, amount)
    webhook_event = PaymentWebhookEvent(
        event_id="evt_charge",
        event_type="charge.refunded",
        kind=PaymentEventKind.REFUNDS_CHANGED,
        payment_intent_id=payment.payment_intent_id,
    )
    for _ in range(2):
        assert shop.payment_webhook.handle(webhook_event, sha256_of(b"charge")) is Handled.RECORDED
    assert shop.order(order_id).refunded_amount == 300
    elsewhere = replace(webhook_event, payment_intent_id="pi_foreign")
    assert shop.payment_webhook.handle(elsewhere, sha256_of(b"foreign")) is Handled.OF_ANOTHER_SHOP
