"""What a test looks at: the kinds of an order's events, and the mails that were sent."""

from domain.order.values import OrderId
from domain.ports.payments import PaymentNotice
from tests.doubles.container import MemoryShop


def kinds(shop: MemoryShop, order_id: OrderId) -> list[type]:
    return [type(event) for event in shop.events(order_id)]


def sent(shop: MemoryShop) -> list[str]:
    return [mail.letter.subject for mail in shop.mailer.mailbox.values()]


def order_of(notice: PaymentNotice) -> OrderId:
    """The order a payment notice belongs to."""
    assert notice.checkout is not None
    assert notice.checkout.order_id is not None
    return notice.checkout.order_id
