"""The books as an auditor asks them: many things with one question, and nothing is changed by it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.order.events import RecordedEvent
from domain.order.order import Order
from domain.order.values import Money, OrderId, OrderNumber, UploadSessionId


@dataclass(frozen=True, kw_only=True)
class ReactionSummary:
    """How far a piece of work has come; ``free_since`` is the moment from which on anybody may do it.

    It is none while a start waits for its order's turn at the restorer. Work that cannot be read is free when it is
    due, because nobody ever admits it.
    """

    reaction_id: UUID
    kind: str
    is_open: bool
    free_since: datetime | None
    problem: str | None = None
    arguments_version: int = 1
    is_readable: bool = True  # by this version of the shop; what is closed counts as readable


@dataclass(frozen=True, kw_only=True)
class UnreadableEvent:
    """An event that this version of the shop cannot read: of an unknown name or version, or damaged."""

    event_id: UUID
    order_id: OrderId
    number: OrderNumber | None  # by the read model
    version: int
    stored_name: str
    recorded_at: datetime
    detail: str  # why it cannot be read and what to do, without an initial capital

    def __str__(self) -> str:
        return (
            f"The stream cannot be followed past {self.stored_name}, version {self.version}: {self.detail}."
        )


class ReconciliationQueries(Protocol):
    """Questions to the books. Each takes a page of ids, a few hundred at most, unless it says otherwise."""

    def orders_since(self, since: datetime) -> list[OrderId]:
        """The orders of which anything was recorded since, and all that are not over or wait for a person.

        The ids of the whole period at once: they are all of it that is ever held in memory.
        """
        ...

    def streams(self, order_ids: Sequence[OrderId]) -> dict[OrderId, list[RecordedEvent]]:
        """The streams of many orders, without those that have no event or one that cannot be read.

        An order that was asked for and is missing may have events: nothing follows from its absence.
        """
        ...

    def unreadable_events(self, order_ids: Sequence[OrderId]) -> list[UnreadableEvent]:
        """The first event of each of these orders that cannot be read."""
        ...

    def all_unreadable_events(self) -> list[UnreadableEvent]:
        """The first unreadable event of each order that is not over or waits for a person.

        Of orders that are over, events of an unknown name alone are found, because finding damage takes reading all.
        """
        ...

    def differing_read_models(self, orders: Sequence[Order]) -> dict[OrderId, list[str]]:
        """The read models that do not tell of an order what this fold of its stream does."""
        ...

    def work(self, order_ids: Sequence[OrderId]) -> dict[OrderId, list[ReactionSummary]]:
        """All the work that was ever scheduled for many orders."""
        ...

    def unknown_messages(self, source: str, event_ids: Sequence[str]) -> set[str]:
        """Which of a provider's messages the inbox never took."""
        ...

    def payments(self, checkout_session_ids: Sequence[str]) -> dict[str, Money]:
        """What was paid, by checkout: as an order's payment or as one that belongs to no order."""
        ...

    def orders_by_payment(self, payment_intent_ids: Sequence[str]) -> dict[str, OrderId]:
        """The orders that were paid by these payment intents."""
        ...

    def known_predictions(self, prediction_ids: Sequence[str]) -> set[str]:
        """Which predictions are those of an order's attempts; those that were superseded may be missing."""
        ...

    def known_sessions(self, session_ids: Sequence[UploadSessionId]) -> set[UploadSessionId]:
        """Which upload sessions this shop ever opened, whatever became of them."""
        ...

    def tidied_sessions(self, session_ids: Sequence[UploadSessionId]) -> set[UploadSessionId]:
        """Which upload sessions are known, and their temp objects were deleted."""
        ...


@dataclass(frozen=True, kw_only=True)
class ReconciliationRound:
    """A comparison that begins; ``previous`` is when the last one began that came to the end of every side."""

    previous: datetime | None


class ReconciliationRounds(Protocol):
    """When the books were compared, so that of many workers one does it."""

    def begin(self, now: datetime, unless_since: datetime) -> ReconciliationRound | None:
        """Write down that a comparison begins now; none, and nothing is written, if one began since then."""
        ...

    def end(self, began_at: datetime, now: datetime, *, findings: int, healed: int) -> None:
        """Write down that the comparison which began then came to its end, and what was found."""
        ...
