"""A bank gives a lost dispute's payment back after an appeal."""

import pytest

from domain.order.values import DisputeOutcome, Money, OrderId
from domain.ports.payments import PaymentEventKind, PaymentWebhookEvent, ProviderDispute
from domain.signed_tokens import sha256_of
from domain.use_cases.support.staff_requests import StaffRequest
from tests.doubles.container import InMemoryShop
from tests.doubles.email import token_in

BY = StaffRequest(actor="person:grace", reason="The bank asked for it.")


def dispute(shop: InMemoryShop, order_id: OrderId, outcome: DisputeOutcome | None = None) -> None:
    payment = shop.order(order_id).payment
    assert payment is not None
    webhook_event = PaymentWebhookEvent(
        event_id=f"evt_{shop.ids.new().int}",
        event_type="charge.dispute",
        kind=PaymentEventKind.DISPUTE_CLOSED if outcome else PaymentEventKind.DISPUTE_OPENED,
        payment_intent_id=payment.payment_intent_id,
        dispute_id="du_1",
        dispute_amount=Money(amount=327, currency="EUR"),
        outcome=outcome,
        reason="product_not_received",
    )
    shop.payments.disputes["du_1"] = ProviderDispute(
        dispute_id="du_1",
        payment_intent_id=payment.payment_intent_id,
        amount=Money(amount=327, currency="EUR"),
        outcome=outcome,
    )
    shop.payment_webhook.handle(webhook_event, sha256_of(webhook_event.event_id))


@pytest.mark.parametrize("has_mail", [True, False])
def test_a_link_revoked_after_a_lost_dispute_is_replaced_when_it_is_won(
    shop: InMemoryShop, *, has_mail: bool
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    shop.staff_actions.refund(order_id, BY, amount=Money(amount=163, currency="EUR"))
    shop.live(order_id)
    dispute(shop, order_id)
    if has_mail:
        shop.staff_actions.resend(order_id, BY)  # which waits for the decision
    dispute(shop, order_id, DisputeOutcome.LOST)
    shop.staff_actions.revoke_links(order_id, BY)
    assert shop.order(order_id).newest_link is None
    dispute(shop, order_id, DisputeOutcome.WON)
    order = shop.live(order_id)
    assert order.newest_link is not None
    token = shop.token_signer.download_token(order.newest_link.link_id)
    newest_mail = list(shop.mailer.mailbox.values())[-1]
    assert token_in(newest_mail.content) == token
