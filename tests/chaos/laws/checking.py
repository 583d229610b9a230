"""How a check that asserts becomes sentences."""

from collections.abc import Callable, Iterator

from domain.order.order import Order


def sentences(check: Callable[[Order], None], orders: list[Order]) -> Iterator[str]:
    """What a check of the pure model has to say of each order that does not pass it."""
    for order in orders:
        try:
            check(order)
        except AssertionError as wrong:
            what = str(wrong).partition("\n")[0] or (check.__doc__ or "").partition("\n")[0]
            yield f"Order {order.order_id} ({order.state}): {what}"
