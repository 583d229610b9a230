"""What tests inspect: the types of an order's events, and sent mails."""

from domain.order.values import OrderId
from domain.ports.payments import PaymentWebhookEvent
from tests.doubles.container import InMemoryShop


def kinds(shop: InMemoryShop, order_id: OrderId) -> list[type]:
    return [type(event) for event in shop.events(order_id)]


def sent(shop: InMemoryShop) -> list[str]:
    return [mail.content.subject for mail in shop.mailer.mailbox.values()]


def order_of(webhook_event: PaymentWebhookEvent) -> OrderId:
    """The id of the order that a payment webhook event belongs to."""
    assert webhook_event.checkout is not None
    assert webhook_event.checkout.order_id is not None
    return webhook_event.checkout.order_id
