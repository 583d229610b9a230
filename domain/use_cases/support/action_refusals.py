"""The refusal of a staff action by an order."""

from enum import StrEnum

from domain.order.errors import ShopError
from domain.order.order import Order


class ActionProblem(StrEnum):
    """Why a staff action is refused, unless the model has an error."""

    NOTHING_TO_DO = "nothing_to_do"
    NOTHING_PAID = "nothing_paid"
    ON_HOLD_ALREADY = "on_hold_already"
    NOT_ON_HOLD = "not_on_hold"
    REDO_RUNNING = "redo_running"
    NO_LINK_TO_REVOKE = "no_link_to_revoke"
    LINK_EXPIRED = "link_expired"
    EMAIL_ON_ITS_WAY = "email_on_its_way"
    NO_SUCH_PHOTO = "no_such_photo"  # of this number
    NO_REFUND_FAILED = "no_refund_failed"
    REFUND_NOT_FAILED = "refund_not_failed"  # of this number
    SEVERAL_REFUNDS_FAILED = "several_refunds_failed"
    NO_ADDRESS = "no_address"
    NO_CUSTOMER = "no_customer"


class ActionRefusedError(ShopError):
    """The order does not allow what a staff member requested.

    ``order`` is the order that refused, ``problem`` the model's own error where it has one, ``number`` that of a photo
    or refund, 1-based.
    """

    def __init__(self, order: Order, problem: ActionProblem | ShopError, number: int | None = None) -> None:
        self.order = order
        self.order_id = order.order_id
        self.problem = problem
        self.number = number
        super().__init__(f"Order {order.order_id} does not allow this now ({str(problem).rstrip('.')}).")
