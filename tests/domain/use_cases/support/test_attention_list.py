"""The attention list: what needs staff, why, and since when."""

from dataclasses import replace

import pytest

from adapters.localization.attention_text import attention_text_of
from domain.order.order import Order
from domain.order.values import EmailKind, FailureReason, HoldReason, Money, OrderId
from domain.ports.email import DeliveryStatus, EmailWebhookEvent
from domain.ports.errors import RefusedError, UnavailableError
from domain.ports.payments import PaymentEventKind, PaymentWebhookEvent
from domain.signed_tokens import sha256_of
from domain.use_cases.support.attention_items import AttentionItem, AttentionKind
from domain.use_cases.support.attention_list import AttentionList
from domain.use_cases.support.staff_requests import StaffRequest
from tests.domain.support.event_builders import PHONE, SCANNER
from tests.doubles.container import InMemoryShop

ADA = StaffRequest(actor="person:ada", reason="They asked for it on the phone.")


def items(shop: InMemoryShop) -> list[AttentionItem]:
    return AttentionList(unit_of_work=shop.unit_of_work).items()


def listed(shop: InMemoryShop) -> list[AttentionKind]:
    return [attention_item.kind for attention_item in items(shop)]


def number(order: Order) -> str:
    assert order.payment is not None
    return order.payment.order_number


def bounce(shop: InMemoryShop, order_id: OrderId, kind: EmailKind) -> None:
    order = shop.order(order_id)
    email = next(each for each in order.emails.values() if each.kind is kind)
    webhook_event = EmailWebhookEvent(
        event_id=f"sg_{shop.ids.new()}",
        order_id=order_id,
        email_id=email.email_id,
        message_id=None,
        fate=DeliveryStatus.UNDELIVERABLE,
        reason="bounce",
    )
    shop.email_webhook.handle([webhook_event])


def dispute(shop: InMemoryShop, order_id: OrderId) -> None:
    payment = shop.order(order_id).payment
    assert payment is not None
    webhook_event = PaymentWebhookEvent(
        event_id=f"evt_{shop.ids.new().int}",
        event_type="charge.dispute.created",
        kind=PaymentEventKind.DISPUTE_OPENED,
        payment_intent_id=payment.payment_intent_id,
        dispute_id="du_1",
        dispute_amount=Money(amount=490, currency="EUR"),
        reason="product_not_received",
    )
    shop.payment_webhook.handle(webhook_event, sha256_of(b"dispute"))


def test_a_healthy_shop_has_an_empty_attention_list(shop: InMemoryShop) -> None:
    shop.live(shop.pay(shop.upload(b"wedding")))
    shop.pay(shop.upload(b"harvest"))
    assert items(shop) == []


def test_a_held_order_is_listed_with_why_and_since_when_until_it_is_released(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.staff_actions.hold(order_id, ADA)
    shop.staff_actions.release(order_id, ADA)
    shop.clock.advance(hours=1)
    shop.staff_actions.hold(order_id, ADA)
    [attention_item] = items(shop)
    assert attention_item == AttentionItem(
        kind=AttentionKind.ON_HOLD,
        since=shop.clock.now(),
        subject=str(order_id),
        facts={},
        order_id=order_id,
        number=number(shop.order(order_id)),  # type: ignore[arg-type]
        hold=HoldReason.REQUESTED,
    )
    assert attention_text_of(attention_item) == "a staff member asked for it"
    shop.staff_actions.release(order_id, ADA)
    assert items(shop) == []


def test_a_failed_refund_is_listed_with_its_number_and_amount_until_it_is_settled(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    shop.payments.fault_injector.fail(
        "issue_refund", RefusedError("The double", "no", code="expired_or_canceled_card")
    )
    shop.staff_actions.refund(order_id, ADA, amount=Money(amount=100, currency="EUR"))
    shop.work()
    [failed] = items(shop)
    assert failed.kind is AttentionKind.REFUND_FAILED
    assert (failed.subject, attention_text_of(failed)) == (
        "1",
        "refund 1, 1.00 EUR, failed (expired or canceled card)",
    )
    shop.staff_actions.record_manual_refund(order_id, ADA)
    assert listed(shop) == [AttentionKind.ON_HOLD]


@pytest.mark.parametrize("seen_to", ["resent", "noted", "fetched"])
def test_a_bounced_mail_is_listed_until_a_resend_or_a_note(shop: InMemoryShop, seen_to: str) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    bounce(shop, order_id, EmailKind.CONFIRMATION)
    [attention_item] = items(shop)
    assert (attention_item.kind, attention_text_of(attention_item)) == (
        AttentionKind.MAIL_BOUNCED,
        "the confirmation e-mail did not reach the customer's address",
    )
    shop.clock.advance(hours=1)
    if seen_to == "resent":
        shop.staff_actions.resend(order_id, ADA)
        assert listed(shop) == [AttentionKind.MAIL_BOUNCED]
        shop.work()
    elif seen_to == "noted":
        shop.staff_actions.note(order_id, ADA)
    else:
        [link] = shop.order(order_id).links.values()
        delivery = shop.downloads.find(shop.token_signer.download_token(link.link_id))
        shop.downloads.record_served(delivery, SCANNER, shop.ids.new())
        assert listed(shop) == [AttentionKind.MAIL_BOUNCED], "a scanner has seen it, and no customer"
        shop.downloads.record_download(delivery, PHONE, shop.ids.new())
    assert items(shop) == []


def test_an_address_at_which_two_mails_bounce_is_listed_once(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    bounce(shop, order_id, EmailKind.CONFIRMATION)
    bounce(shop, order_id, EmailKind.RESULT)
    [attention_item] = items(shop)
    assert (attention_item.kind, attention_item.hold) == (AttentionKind.ON_HOLD, HoldReason.EMAIL_BOUNCED)


def test_a_refused_mail_is_listed_as_the_hold_that_it_brought_and_not_once_more(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.mailer.fault_injector.fail("send", RefusedError("The double", "no", code="invalid_address"))
    shop.live(order_id)
    [attention_item] = items(shop)
    assert (attention_item.kind, attention_item.hold) == (AttentionKind.ON_HOLD, HoldReason.EMAIL_NOT_SENT)


def test_an_open_dispute_is_listed_until_the_bank_has_decided(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    dispute(shop, order_id)
    [attention_item] = items(shop)
    assert (attention_item.kind, attention_item.subject) == (AttentionKind.DISPUTED, "du_1")
    assert attention_text_of(attention_item) == "the customer's bank disputes 4.90 EUR (product not received)"


def test_an_uncancellable_prediction_is_listed_until_a_note(
    shop: InMemoryShop,
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    for _ in range(10):
        shop.restorer.fault_injector.fail("cancel", UnavailableError("The double", "away"))
    shop.staff_actions.refund(order_id, ADA)
    for _ in range(20):
        shop.pass_time(minutes=10)
    [attention_item] = items(shop)
    assert (attention_item.kind, attention_text_of(attention_item)) == (
        AttentionKind.WORK_GIVEN_UP,
        "a prediction that no order waits for could not be cancelled",
    )
    shop.staff_actions.note(order_id, ADA)
    assert items(shop) == []


def test_an_abandoned_photo_is_refunded_and_not_listed(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.end_predictions(FailureReason.REFUSED_INPUT)
    shop.pass_time(minutes=1)
    shop.end_predictions(FailureReason.REFUSED_INPUT)
    shop.pass_time(minutes=1)
    assert items(shop) == []


def test_money_without_an_order_and_messages_under_a_known_id_are_listed_the_oldest_first(
    shop: InMemoryShop,
) -> None:
    stray = shop.payment(shop.upload(b"wedding"), email=None)
    shop.payment_webhook.handle(stray, sha256_of(b"1"))
    shop.clock.advance(hours=1)
    shop.payment_webhook.handle(stray, sha256_of(b"2"))
    unmatched, conflict = items(shop)
    assert (unmatched.kind, conflict.kind) == (
        AttentionKind.PAYMENT_UNMATCHED,
        AttentionKind.WEBHOOK_CONFLICT,
    )
    assert attention_text_of(unmatched).startswith("4.90 EUR belong to no order. ")
    assert conflict.subject == stray.event_id


def test_a_stream_that_cannot_be_followed_is_listed_and_hides_no_other_order(shop: InMemoryShop) -> None:
    broken, held = (shop.pay(shop.upload(name)) for name in (b"wedding", b"harvest"))
    for order_id in (broken, held):
        shop.staff_actions.hold(order_id, ADA)
    streams = shop.own_unit_of_work.pages.streams
    first, *rest = streams[broken]
    streams[broken] = (first, *(replace(each, version=each.version + 1) for each in rest))
    by_order = {item.order_id: item for item in items(shop)}
    assert (by_order[broken].kind, by_order[held].kind) == (
        AttentionKind.STREAM_BROKEN,
        AttentionKind.ON_HOLD,
    )
    assert by_order[broken].number == number(shop.order(broken))
    assert "version 2 is missing before it" in attention_text_of(by_order[broken])


def test_a_prediction_webhook_that_changed_is_listed_by_its_type(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"wedding"))
    shop.work()
    for body in (b"webhook event", b"another body"):
        shop.post_prediction("prediction-1", body)
    assert [(each.kind, attention_text_of(each)) for each in items(shop)] == [
        (AttentionKind.WEBHOOK_CONFLICT, "replicate posted prediction with other contents under a known id")
    ]
