"""Points balances, and points reserved by open checkouts."""

from datetime import datetime

from sqlalchemy import Connection, text

from adapters.postgres.driver_sql import execute
from domain.order.values import CustomerId, OrderNumber, PointsReason, UploadSessionId
from domain.ports.points_balances import PointsBalances, PointsLine

_BALANCE = "SELECT coalesce(sum(points), 0) FROM points WHERE customer_id = :customer_id"
_RESERVED = text(
    """SELECT coalesce(sum(points), 0) FROM upload_sessions
    WHERE points_customer_id = :customer_id
      AND (status = 'pending' OR status = 'checkout' AND checkout_expires_at >= :expired_before)
      AND session_id IS DISTINCT FROM CAST(:besides AS uuid)"""
)
_LINES = text(
    """SELECT orders.number, points.points, points.reason FROM points JOIN orders USING (order_id)
    WHERE points.customer_id = :customer_id ORDER BY orders.number, points.sequence"""
)


class PostgresPointsBalances(PointsBalances):
    """The points on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def balance(self, customer_id: CustomerId) -> int:
        [(balance,)] = execute(self._connection, _BALANCE, {"customer_id": customer_id})
        return int(balance)

    def reserved(
        self, customer_id: CustomerId, expired_before: datetime, *, besides: UploadSessionId | None = None
    ) -> int:
        about = {"customer_id": customer_id, "expired_before": expired_before, "besides": besides}
        return int(self._connection.execute(_RESERVED, about).scalar_one())

    def lines(self, customer_id: CustomerId) -> list[PointsLine]:
        return [
            PointsLine(
                order_number=OrderNumber(row.number), points=row.points, reason=PointsReason(row.reason)
            )
            for row in self._connection.execute(_LINES, {"customer_id": customer_id})
        ]
