"""Points balances in memory."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from domain.order.values import CustomerId, UploadSessionId
from domain.ports.points_balances import PointsBalances, PointsLine
from domain.ports.upload_sessions import UploadStatus

if TYPE_CHECKING:
    from tests.doubles.tables import Tables


class InMemoryPointsBalances(PointsBalances):
    """Points balances, computed from the orders in the tables."""

    def __init__(self, pages: Tables) -> None:
        self._pages = pages

    def balance(self, customer_id: CustomerId) -> int:
        return sum(line.points for line in self.lines(customer_id))

    def reserved(
        self, customer_id: CustomerId, expired_before: datetime, *, besides: UploadSessionId | None = None
    ) -> int:
        return sum(
            checkout.spending.points
            for session_id, page in self._pages.uploads.items()
            if session_id != besides
            and (checkout := page.session.checkout) is not None
            and checkout.spending is not None
            and checkout.spending.customer_id == customer_id
            and (
                page.session.status is UploadStatus.PENDING
                or (page.session.status is UploadStatus.CHECKOUT and checkout.expires_at >= expired_before)
            )
        )

    def lines(self, customer_id: CustomerId) -> list[PointsLine]:
        paid = [(order, order.payment) for order in self._pages.orders.values() if order.payment is not None]
        return [
            PointsLine(order_number=payment.order_number, points=entry.points, reason=entry.reason)
            for order, payment in sorted(paid, key=lambda each: each[1].order_number)
            for entry in order.points
            if entry.customer_id == customer_id
        ]
