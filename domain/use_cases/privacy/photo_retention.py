"""The end of retention: which orders lose their photos, and its record.

The recorded event requires the reaction DeletePhotos, which ``photo_deletion.py`` executes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.order import events as e
from domain.order.closure import has_good_link, obstacle, order_and_state_since
from domain.order.order import Order
from domain.order.stream_integrity import StreamBreak, followed
from domain.order.values import OrderId
from domain.ports.clock import Clock
from domain.ports.errors import UnreadableEventError
from domain.ports.unit_of_work import HasOrderQueries, HasOrders, UnitOfWork
from domain.use_cases.deferred_errors import deferring
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.order_transaction import Cause
from domain.use_cases.shop_policy import ShopPolicy

#: How many orders one query returns.
ROUND = 100


@dataclass(eq=False, kw_only=True)
class PhotoRetention:
    """Keeps photos for the promised retention, and no longer."""

    unit_of_work: UnitOfWork[HasOrderQueries]
    command_handler: OrderCommandHandler[HasOrders]
    clock: Clock
    policy: ShopPolicy

    def purge(self) -> int:
        """Record the deletion of photos whose retention is over.

        Returns the number of orders. The deletion follows as a reaction of the order, so a crash loses none of it.
        Photos are kept while the order is held, disputed or owes anything, and as long as the customer has a valid
        link. Raises UnreadableEventError if the events of some orders cannot be read, after all others were handled.
        """
        purged = 0
        after: OrderId | None = None
        with deferring(UnreadableEventError) as guard:
            while orders := self._finished(after):
                for order_id in orders:
                    with guard():
                        purged += self._purge(order_id)
                after = orders[-1]
        return purged

    def _finished(self, after: OrderId | None) -> list[OrderId]:
        with self.unit_of_work.transaction() as transaction:
            return transaction.order_queries.finished(self._over_before(), after, ROUND)

    def _over_before(self) -> datetime:
        return self.clock.now() - self.policy.retention.photos

    def _purge(self, order_id: OrderId) -> bool:
        """Decide under the order's lock, in sequence with all other events."""

        def purge(repositories: HasOrders, _: Order) -> Sequence[e.Event]:
            history = repositories.event_store.history(order_id)
            if isinstance(broken := followed(order_id, history), StreamBreak):
                at = broken.recorded.version
                raise UnreadableEventError(
                    f"version {at} does not follow from the events before it", order_id
                )
            order, since = order_and_state_since(order_id, history)
            is_over = since is not None and since < self._over_before()
            if not is_over or obstacle(order) or has_good_link(order, self.clock.now()):
                return ()
            return [e.PhotosPurged()]

        cause = Cause(name="retention", key="retention", actor="worker", correlation_id=order_id)
        return bool(self.command_handler.handle(order_id, purge, cause).events)
