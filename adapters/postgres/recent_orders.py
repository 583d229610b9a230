"""Orders as this process read them last.

They spare the database no question: what was recorded since is read each time.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.order.order import Order
    from domain.order.values import OrderId

#: The events of all remembered orders together; about 20 MB.
MOST_EVENTS = 10_000


class RecentOrders:
    """The orders read most recently, by id; safe for threads."""

    def __init__(self, most_events: int = MOST_EVENTS) -> None:
        self._most_events = most_events
        self._orders: OrderedDict[OrderId, Order] = OrderedDict()
        self._events = 0
        self._lock = Lock()

    def get(self, order_id: OrderId) -> Order | None:
        """The order as it was remembered last."""
        return self._orders.get(order_id)

    def remember(self, order: Order) -> None:
        """Remember an order as read from the log; forget the oldest."""
        with self._lock:
            forgotten = self._orders.pop(order.order_id, None)
            self._events += order.version - (forgotten.version if forgotten else 0)
            self._orders[order.order_id] = order
            while self._events > self._most_events:
                _, oldest = self._orders.popitem(last=False)
                self._events -= oldest.version
