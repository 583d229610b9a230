"""The port for figures about the whole shop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from domain.order.values import Money, OrderId, OrderNumber

#: How far back attempts count as recent.
RECENT = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class WorkFacts:
    """The reactions of one kind."""

    kind: str
    scheduled: int = 0  # due later
    waiting: int = 0  # due, and claimed by no worker
    in_flight: int = 0  # claimed by a worker
    failing: int = 0  # open, and their last attempt failed
    done_recently: int = 0  # closed by success, last claimed within RECENT
    given_up_recently: int = 0  # closed after their last attempt, claimed within RECENT
    oldest_due_at: datetime | None = None  # of those that wait
    oldest_claimed_at: datetime | None = None  # of those in flight


@dataclass(frozen=True, kw_only=True)
class OwedRefund:
    """A decided refund that the payment provider has not accepted."""

    order_id: OrderId
    number: OrderNumber
    amount: Money
    since: datetime


@dataclass(frozen=True, kw_only=True)
class OpenDispute:
    """A dispute or inquiry without an outcome."""

    order_id: OrderId
    number: OrderNumber
    dispute_id: str
    amount: Money
    opened_at: datetime
    is_inquiry: bool = False
    respond_by: datetime | None = None  # none where the provider stated none


@dataclass(frozen=True, kw_only=True)
class CurrentFacts:
    """Figures that change every second, cheap at any size."""

    work: Sequence[WorkFacts] = ()
    held: Mapping[str, int] = field(default_factory=dict)  # orders by the reason of their hold
    owed_refunds: Sequence[OwedRefund] = ()
    unmatched: Sequence[Money] = ()  # payments without an order, by currency: what is left of them
    log_position: int = 0
    recorded_at: datetime | None = None  # the newest event; none for an empty log
    unread_events: int = 0  # committed, but not yet visible to readers in commit order
    unread_since: datetime | None = None
    reconciled_at: datetime | None = None  # the end of the last reconciliation
    schema: str = ""  # the schema's revision


@dataclass(frozen=True, kw_only=True)
class OrderTotals:
    """Orders of one state and currency, with sums in minor units."""

    state: str
    currency: str
    orders: int
    received: int
    refunded: int
    photos: int
    restored: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class EmailTotals:
    """E-mails of one kind and status."""

    kind: str
    status: str
    emails: int


@dataclass(frozen=True, kw_only=True)
class TotalFacts:
    """Sums over whole tables, which take longer with every order."""

    orders: Sequence[OrderTotals] = ()
    emails: Sequence[EmailTotals] = ()
    disputes: Sequence[OpenDispute] = ()
    stored_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class PeriodFacts:
    """What was recorded within a period.

    ``events`` counts the events by stored name without version, such as ``order.restoration_failed``.
    """

    events: Mapping[str, int] = field(default_factory=dict)
    received: Sequence[Money] = ()
    refunded: Sequence[Money] = ()
    findings: int = 0  # of reconciliations, that were not repaired


class ShopFacts(Protocol):
    """Figures of the whole shop, each in one round trip.

    Methods raise UnavailableError.
    """

    def current(self, now: datetime) -> CurrentFacts:
        """What changes from second to second."""

    def totals(self) -> TotalFacts:
        """Sums over whole tables."""

    def period(self, since: datetime, until: datetime) -> PeriodFacts:
        """What was recorded from one moment until before another."""

    def first_event_after(self, position: int) -> datetime | None:
        """When the first event after a position was recorded, if any."""

    def has_free_space(self) -> bool:
        """Whether the database's disk has room for more."""
