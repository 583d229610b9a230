"""What a test looks at: the kinds of an order's events, and the mails that were sent."""

from domain.order.values import OrderId
from domain.ports.payments import PaymentWebhookEvent
from tests.doubles.container import InMemoryShop


def kinds(shop: InMemoryShop, order_id: OrderId) -> list[type]:
    return [type(event) for event in shop.events(order_id)]


def sent(shop: InMemoryShop) -> list[str]:
    return [mail.content.subject for mail in shop.mailer.mailbox.values()]


def order_of(webhook_event: PaymentWebhookEvent) -> OrderId:
    """The order a payment notice belongs to."""
    assert webhook_event.checkout is not None
    assert webhook_event.checkout.order_id is not None
    return webhook_event.checkout.order_id
