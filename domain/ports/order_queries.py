"""What to look for in the list of orders."""

from dataclasses import dataclass
from datetime import datetime

from domain.order.lifecycle import State


@dataclass(frozen=True, kw_only=True)
class OrderFilter:
    """Conditions on the list of orders, all of which must hold; None sets no condition.

    ``paid_from`` is inclusive and ``paid_before`` exclusive. ``email`` is compared without regard to case.
    ``provider_id`` is the id of a checkout, payment, refund, dispute, prediction or message at its provider.
    """

    state: State | None = None
    is_held: bool = False
    email: str | None = None
    paid_from: datetime | None = None
    paid_before: datetime | None = None
    provider_id: str | None = None


#: Every order.
ALL_ORDERS = OrderFilter()
