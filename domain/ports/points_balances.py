"""What points customers have: a read model of the log, less what their open checkouts are about to spend."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.order.values import CustomerId, OrderNumber, PointsReason, UploadSessionId


@dataclass(frozen=True, kw_only=True)
class PointsLine:
    """Points that came to a customer, or went if ``points`` is negative, and the order that moved them."""

    order_number: OrderNumber
    points: int
    reason: PointsReason


class PointsBalances(Protocol):
    """Points by customer; those of erased customers stay, as figures."""

    def balance(self, customer_id: CustomerId) -> int:
        """The sum of what came and went; negative if what was spent had to be taken back."""
        ...

    def reserved(
        self, customer_id: CustomerId, expired_before: datetime, *, besides: UploadSessionId | None = None
    ) -> int:
        """What open checkouts are about to spend, that of ``besides`` excepted.

        Open are those that wait for delayed money, and those that did not expire before the moment given.
        """
        ...

    def lines(self, customer_id: CustomerId) -> list[PointsLine]:
        """The customer's points, in the order of the orders that moved them."""
        ...
