"""The port for queries on the list of orders."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
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
    """Conditions on the list of orders; all that are set must hold.

    ``paid_from`` is inclusive and ``paid_before`` exclusive. ``email`` is compared case-insensitively.
    ``provider_id`` is the provider's id of a checkout, payment, refund, dispute, prediction or message.
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


#: Prefix of the cause of an event that reminds of a link; the link's id follows.
REMINDER = "reminder:"


@dataclass(frozen=True)
class OrderVersion:
    """How many events an order has, and its state after them."""

    version: int
    state: State


class OrderQueries(Protocol):
    """Queries on the projections of orders."""

    def newest(self, limit: int, wanted: OrderFilter = ALL_ORDERS) -> list[OrderSummary]:
        """The orders that match ``wanted``, newest first."""

    def versions(self, order_ids: Collection[OrderId]) -> Mapping[OrderId, OrderVersion]:
        """The current version of each known order."""

    def recent_turnarounds(self, orders: int) -> list[timedelta]:
        """How long the completed ones of the newest orders took.

        From the payment to the first completion; ``orders`` limits how many of the newest are considered.
        """

    def find(self, number: OrderNumber) -> OrderId | None:
        """The order with this number."""

    def unfetched(
        self, ending_after: datetime, ending_before: datetime, after: DownloadLinkId | None, limit: int
    ) -> list[tuple[OrderId, DownloadLinkId]]:
        """Links that expire between two moments and need a reminder.

        By id, from ``after`` on. Each is the link that expires last and is not revoked, of a deliverable order of
        which nothing was fetched, not held or disputed, and not reminded of this link before. Customers who opted out
        of e-mail in any of their orders are left out.
        """

    def needing_attention(self) -> list[OrderId]:
        """Orders held, disputed or with a failed e-mail, by id.

        An e-mail counts as failed also if it bounced or was opted out of.
        """

    def find_by_messages(self, message_ids: Collection[str]) -> Mapping[str, tuple[OrderId, EmailId]]:
        """The order and e-mail of each known message id."""

    def finished(self, before: datetime, after: OrderId | None, limit: int) -> list[OrderId]:
        """Ended orders whose photos are stored, by id from ``after`` on.

        They were completed or refunded before the given moment, perhaps more than once: whether the last time was
        before it, only the stream shows.
        """
