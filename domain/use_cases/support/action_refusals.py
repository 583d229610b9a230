"""The refusal of a staff action by an order."""

from domain.order.errors import ShopError
from domain.order.order import Order


class ActionRefusedError(ShopError):
    """The order does not allow what a staff member requested.

    ``order`` is the order that refused, ``refusal`` the model's own error where it has one.
    """

    def __init__(self, order: Order, problem: str | ShopError) -> None:
        self.order = order
        self.order_id = order.order_id
        self.refusal = problem if isinstance(problem, ShopError) else None
        super().__init__(f"{str(problem).rstrip('.')}.")
