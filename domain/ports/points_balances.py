"""The port for customers' points: a projection of the log.

What open checkouts have reserved is queried here as well.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.order.values import CustomerId, OrderNumber, PointsReason, UploadSessionId


@dataclass(frozen=True, kw_only=True)
class PointsLine:
    """Points credited, or debited if negative, by one order."""

    order_number: OrderNumber
    points: int
    reason: PointsReason


class PointsBalances(Protocol):
    """Points by customer; an erased customer's points are kept."""

    def balance(self, customer_id: CustomerId) -> int:
        """The sum of all points.

        It is negative if points were spent and the order that had earned them was refunded.
        """

    def reserved(
        self, customer_id: CustomerId, expired_before: datetime, *, besides: UploadSessionId | None = None
    ) -> int:
        """Points reserved by open checkouts, except that of ``besides``.

        Open are those that wait for a delayed payment, and those that had not expired before ``expired_before``.
        """

    def lines(self, customer_id: CustomerId) -> list[PointsLine]:
        """The customer's points, in the order of their orders."""
