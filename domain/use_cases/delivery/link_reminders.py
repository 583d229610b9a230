"""Reminders to customers whose unused download link expires soon."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.order.commands import Proposal, RequestEmail
from domain.order.customer_request_limits import needs_reminder
from domain.order.order import Order
from domain.order.values import DownloadLinkId, EmailKind, OrderId
from domain.ports.clock import Clock
from domain.ports.errors import UnreadableEventError
from domain.ports.order_queries import REMINDER
from domain.ports.unit_of_work import HasOrderQueries, HasOrders, UnitOfWork
from domain.use_cases.deferred_errors import deferring
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.order_transaction import Cause
from domain.use_cases.shop_policy import ShopPolicy

#: How many links one query returns at most.
ROUND = 100


@dataclass(eq=False, kw_only=True)
class LinkReminders:
    """Request reminder e-mails, once per link."""

    unit_of_work: UnitOfWork[HasOrderQueries]
    command_handler: OrderCommandHandler[HasOrders]
    clock: Clock
    policy: ShopPolicy

    def remind(self) -> int:
        """Request the due reminders and return their number.

        If the events of some orders cannot be read, raises UnreadableEventError after processing all others.
        """
        if not self.policy.delivery.link_reminder:
            return 0
        reminded = 0
        after: DownloadLinkId | None = None
        with deferring(UnreadableEventError) as guard:
            while links := self._ending(after):
                for order_id, link_id in links:
                    with guard():
                        reminded += self._remind(order_id, link_id)
                _, after = links[-1]
        return reminded

    def _ending(self, after: DownloadLinkId | None) -> list[tuple[OrderId, DownloadLinkId]]:
        now = self.clock.now()
        with self.unit_of_work.transaction() as transaction:
            return transaction.order_queries.unfetched(
                now, now + self.policy.delivery.link_reminder, after, ROUND
            )

    def _remind(self, order_id: OrderId, link_id: DownloadLinkId) -> bool:
        """Decide under the order's lock: the customer may download something meanwhile."""

        def reminder(_: HasOrders, order: Order) -> Sequence[Proposal]:
            if not needs_reminder(order, link_id, self.clock.now()):
                return ()
            return [RequestEmail(kind=EmailKind.REMINDER)]

        name = f"{REMINDER}{link_id}"
        cause = Cause(name=name, key=name, actor="worker", correlation_id=order_id)
        return bool(self.command_handler.handle(order_id, reminder, cause).events)
