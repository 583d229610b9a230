"""The port for reconciliation: read-only bulk queries on the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.order.events import RecordedEvent
from domain.order.order import Order
from domain.order.values import Money, OrderId, UploadSessionId
from domain.ports.event_store import UnreadableEvent


@dataclass(frozen=True, kw_only=True)
class ReactionSummary:
    """The progress of a reaction.

    ``free_since`` is the time from which any worker may run it. It is none while a start waits for admission. An
    unreadable reaction is free when it is due, because it is never admitted.
    """

    reaction_id: UUID
    kind: str
    is_open: bool
    free_since: datetime | None
    problem: str | None = None
    arguments_version: int = 1
    is_readable: bool = True  # by this version of the shop; closed ones count as readable


class ReconciliationQueries(Protocol):
    """Bulk queries.

    Each takes a page of ids, a few hundred at most, unless it says otherwise.
    """

    def orders_since(self, since: datetime) -> list[OrderId]:
        """Orders with events since, and all that have not ended.

        Orders that are held for staff are included. This returns the ids of the whole period, and is all of it that
        is held in memory at once.
        """

    def streams(self, order_ids: Sequence[OrderId]) -> dict[OrderId, list[RecordedEvent]]:
        """The streams of many orders.

        Orders without events, or with one that cannot be read, are left out: nothing follows from the absence of an
        order.
        """

    def unreadable_events(self, order_ids: Sequence[OrderId]) -> list[UnreadableEvent]:
        """The first unreadable event of each of these orders."""

    def all_unreadable_events(self) -> list[UnreadableEvent]:
        """The first unreadable event of each order.

        Of ended orders whose photos are purged, only events of an unknown name or version or without a required field
        are found: decoding all of them would read the whole log. Log verification does.
        """

    def differing_read_models(self, orders: Sequence[Order]) -> dict[OrderId, list[str]]:
        """The projections that differ from this fold of each order's stream."""

    def work(self, order_ids: Sequence[OrderId]) -> dict[OrderId, list[ReactionSummary]]:
        """All reactions that were ever scheduled for these orders."""

    def unknown_messages(self, source: str, event_ids: Sequence[str]) -> set[str]:
        """Which of a provider's webhook events the inbox never accepted."""

    def payments(self, checkout_session_ids: Sequence[str]) -> dict[str, Money]:
        """The amounts paid, by checkout, with or without an order."""

    def orders_by_payment(self, payment_intent_ids: Sequence[str]) -> dict[str, OrderId]:
        """The orders that were paid by these payment intents."""

    def delivered_orders_of(self, addresses: Sequence[str]) -> dict[str, list[OrderId]]:
        """The delivered orders with photos, by their customers' addresses.

        Addresses are compared case-insensitively, and lower case in the result.
        """

    def known_predictions(self, prediction_ids: Sequence[str]) -> set[str]:
        """Which predictions belong to recorded attempts.

        Superseded ones may be missing.
        """

    def known_sessions(self, session_ids: Sequence[UploadSessionId]) -> set[UploadSessionId]:
        """Which upload sessions this shop ever opened."""

    def tidied_sessions(self, session_ids: Sequence[UploadSessionId]) -> set[UploadSessionId]:
        """Which known upload sessions have had their temp objects deleted."""
