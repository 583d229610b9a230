"""Feedback of the mail provider, and the events that record it."""

import pytest

from domain.order import events as e
from domain.order.values import EmailKind, OptOut
from domain.ports.email import DeliveryStatus, EmailWebhookEvent
from tests.doubles.container import InMemoryShop

KIND = EmailKind.CONFIRMATION


@pytest.mark.parametrize(
    ("fate", "recorded"),
    [
        (DeliveryStatus.DEFERRED, lambda mail: e.EmailDeferred(email_id=mail, kind=KIND, reason="full")),
        (DeliveryStatus.BLOCKED, lambda mail: e.EmailBlocked(email_id=mail, kind=KIND, reason="full")),
        (DeliveryStatus.UNDELIVERABLE, lambda mail: e.EmailBounced(email_id=mail, kind=KIND, reason="full")),
        (
            DeliveryStatus.OPTED_OUT,
            lambda mail: e.EmailOptedOut(email_id=mail, kind=KIND, how=OptOut.UNSUBSCRIBED),
        ),
    ],
)
def test_feedback_about_a_mail_is_recorded_with_its_kind(
    shop: InMemoryShop, fate: DeliveryStatus, recorded: object
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    (sent,) = [event for event in shop.events(order_id) if isinstance(event, e.EmailSent)]
    webhook_event = EmailWebhookEvent(
        event_id="sg_1",
        order_id=order_id,
        email_id=sent.email_id,
        message_id=sent.message_id,
        fate=fate,
        reason="full",
    )
    shop.email_webhook.handle([webhook_event])
    assert callable(recorded)
    assert recorded(sent.email_id) in shop.events(order_id)
