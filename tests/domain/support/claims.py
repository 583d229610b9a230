"""Claims of pending reactions in an in-memory shop."""

from domain.order.order import Order
from domain.order.reactions import Reaction
from domain.ports.reaction_queue import Claim
from tests.doubles.container import InMemoryShop


def claim_next(shop: InMemoryShop, kind: type[Reaction]) -> tuple[Claim, Order]:
    """Perform waiting reactions until one of this kind is claimed.

    The claimed reaction is not performed.
    """
    for _ in range(50):
        if not shop.queue.waiting:
            shop.end_predictions()
        claimed = shop.reaction_runner.claim(shop.queue.waiting.popleft())
        if claimed is not None and isinstance(claimed[0].reaction, kind):
            return claimed
        if claimed is not None:
            shop.reaction_runner.perform(*claimed)
    raise AssertionError(f"No {kind.__name__} comes up.")
