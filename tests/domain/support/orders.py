"""Orders of a shop of doubles: delivered, and changed as staff would."""

from domain.order.commands import Proposal
from domain.order.values import OrderId
from domain.use_cases.order_transaction import Cause
from tests.doubles.container import InMemoryShop


def delivered(shop: InMemoryShop, *photos: bytes) -> OrderId:
    """A delivered order, of one photo unless others are given."""
    order_id = shop.pay(shop.upload(*(photos or (b"wedding",))))
    shop.live(order_id, hours=0.2)
    return order_id


def propose(shop: InMemoryShop, order_id: OrderId, *proposed: Proposal) -> None:
    """Record events or handle commands, then process all due work."""
    cause = Cause(name="a test", key=f"test-{shop.ids.new()}", actor="person:grace", correlation_id=order_id)
    shop.command_handler.handle(order_id, proposed, cause)
    shop.work()
