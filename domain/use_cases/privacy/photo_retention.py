"""Chapter 10: when the retention is over, the photos of finished orders go."""

from collections.abc import Sequence
from datetime import datetime

from domain.order import events as e
from domain.order.closure import has_good_link, lived, obstacle
from domain.order.order import Order
from domain.order.values import OrderId
from domain.ports.clock import Clock
from domain.ports.unit_of_work import Transaction, UnitOfWork
from domain.use_cases.order_command_handler import Cause, OrderCommandHandler
from domain.use_cases.shop_policy import ShopPolicy

#: How many orders are looked for at a time.
ROUND = 100


class PhotoRetention:
    """Keeps photos as long as the shop has promised, and no longer."""

    def __init__(
        self,
        *,
        unit_of_work: UnitOfWork,
        command_handler: OrderCommandHandler,
        clock: Clock,
        policy: ShopPolicy,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._command_handler = command_handler
        self._clock = clock
        self._policy = policy

    def purge(self) -> int:
        """Put on record that the photos of orders whose retention is over go, and tell of how many orders.

        The deletion follows as work of the order, so a crash loses none of it. Photos are kept while the order is
        held, disputed or owes anything, and as long as the customer has a link that is still good.
        """
        purged = 0
        after: OrderId | None = None
        while orders := self._finished(after):
            purged += sum(self._purge(order_id) for order_id in orders)
            after = orders[-1]
        return purged

    def _finished(self, after: OrderId | None) -> list[OrderId]:
        with self._unit_of_work.transaction() as transaction:
            return transaction.order_queries.finished(self._over_before(), after, ROUND)

    def _over_before(self) -> datetime:
        return self._clock.now() - self._policy.photo_retention

    def _purge(self, order_id: OrderId) -> bool:
        """Decide under the order's lock, so that whatever else happens to it comes before or after."""

        def purge(transaction: Transaction, _: Order) -> Sequence[e.Event]:
            order, since = lived(order_id, transaction.event_store.history(order_id))
            is_over = since is not None and since < self._over_before()
            if not is_over or obstacle(order) or has_good_link(order, self._clock.now()):
                return ()
            return [e.PhotosPurged()]

        cause = Cause(name="retention", key="retention", actor="worker", correlation_id=order_id)
        return bool(self._command_handler.handle(order_id, purge, cause).events)
