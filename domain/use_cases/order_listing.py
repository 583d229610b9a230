"""The list of orders, which needs no event."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from domain.order.values import OrderId
from domain.ports.order_queries import ALL_ORDERS, OrderFilter, OrderSummary, OrderVersion
from domain.ports.unit_of_work import HasOrderQueries, UnitOfWork


@dataclass(eq=False, kw_only=True)
class OrderListing:
    """List orders from their read model."""

    unit_of_work: UnitOfWork[HasOrderQueries]

    def newest(self, limit: int, wanted: OrderFilter = ALL_ORDERS) -> Sequence[OrderSummary]:
        """The orders that match a filter, newest first."""
        with self.unit_of_work.transaction() as transaction:
            return transaction.order_queries.newest(limit, wanted)

    def versions(self, order_ids: Collection[OrderId]) -> Mapping[OrderId, OrderVersion]:
        """The version and state of each known order."""
        with self.unit_of_work.transaction() as transaction:
            return transaction.order_queries.versions(order_ids)
