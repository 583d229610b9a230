"""What to look for in the list of orders."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.order.states import State
from domain.order.values import (
    DownloadLinkId,
    EmailId,
    Money,
    OrderId,
    OrderNumber,
)


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


@dataclass(frozen=True, kw_only=True)
class OrderSummary:
    """A line of the list of orders."""

    order_id: OrderId
    number: OrderNumber
    state: str
    is_held: bool
    images: int
    restored: int
    paid: Money
    paid_at: datetime


#: What the cause of an event begins with that reminds of a link; the link's id follows.
REMINDER = "reminder:"


class OrderQueries(Protocol):
    """The read models, for people who look for an order."""

    def newest(self, limit: int, wanted: OrderFilter = ALL_ORDERS) -> list[OrderSummary]:
        """The orders that match ``wanted``, the newest first."""
        ...

    def find(self, number: OrderNumber) -> OrderId | None:
        """The order with this number."""
        ...

    def unfetched(
        self, ending_after: datetime, ending_before: datetime, after: DownloadLinkId | None, limit: int
    ) -> list[tuple[OrderId, DownloadLinkId]]:
        """Links that end between two moments, and of which their customers should be reminded; by id from ``after`` on.

        Not revoked and none that ends later beside it, in an order whose results are shown and of which nothing was
        ever fetched, not held, not disputed, and not reminded of this link before. Customers who opted out of mail
        in any order of theirs are left out.
        """
        ...

    def in_trouble(self) -> list[OrderId]:
        """The orders held or disputed, or with a mail that failed, bounced or was opted out of, by id."""
        ...

    def find_by_messages(self, message_ids: Collection[str]) -> Mapping[str, tuple[OrderId, EmailId]]:
        """The order and mail behind each of the mail provider's message ids that is on record."""
        ...

    def finished(self, before: datetime, after: OrderId | None, limit: int) -> list[OrderId]:
        """Orders that were completed or refunded before a moment and whose photos are kept, by id from ``after`` on.

        An order may have come to its end more than once; whether the last time was before the moment, its stream
        tells.
        """
        ...
