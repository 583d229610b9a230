"""The audit log of every order, and the step that writes to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.order.events import RecordedEvent
from domain.order.order import Order
from domain.order.values import OrderId, Sha256
from domain.ports.reaction_queue import Claim, Outcome, ScheduledReaction


@dataclass(frozen=True, kw_only=True)
class Commit:
    """One move of an order, to be written whole or not at all."""

    before: Order
    after: Order
    events: tuple[RecordedEvent, ...]
    reactions: tuple[ScheduledReaction, ...] = ()
    closes: Claim | None = None
    outcome: Outcome = Outcome.DONE  # of the claim that is closed
    again_at: datetime | None = None  # when the claimed work is due anew, if its outcome is AGAIN


@dataclass(frozen=True, order=True)
class LogCursor:
    """A place in the whole log, in commit order."""

    txid: int = 0
    position: int = 0


@dataclass(frozen=True, kw_only=True)
class ChainedEvent:
    """An event's place in the log and in its stream, and its hashes, without what it says."""

    cursor: LogCursor
    order_id: OrderId
    version: int
    previous_sha256: Sha256 | None  # that its predecessor had when this was recorded; none for version 1
    sha256: Sha256  # that it had when it was recorded
    actual_sha256: Sha256  # that it has, as it stands in the log now
    is_readable: bool = True  # false when no reader of the log in commit order would see it
    is_decodable: bool = True  # false when this version of the shop does not know its name or its fields


class EventStore(Protocol):
    """The audit log of every order and the read models that follow from it."""

    def lock(self, order_id: OrderId) -> None:
        """Keep all others who lock it from recording on this order until the transaction ends.

        Whoever locks does so before the first write: then a stream's events stand in the log in their own order.
        """
        ...

    def load(self, order_id: OrderId) -> Order:
        """The order as its stream tells it; version 0 when there is none."""
        ...

    def load_by_token(self, token_sha256: Sha256) -> Order | None:
        """The order that a download token belongs to."""
        ...

    def load_by_payment(self, payment_intent_id: str) -> Order | None:
        """The order that was paid by this payment intent."""
        ...

    def history(self, order_id: OrderId) -> list[RecordedEvent]:
        """The stream, from the first event on."""
        ...

    def append(self, step: Commit) -> None:
        """Append the events, write the read models, insert the reactions and close the claim, all at once.

        Raises VersionConflictError, CauseRepeatedError or LeaseLostError; the transaction is then void.
        """
        ...

    def read_all(self, after: LogCursor, limit: int) -> list[tuple[LogCursor, RecordedEvent]]:
        """The log in commit order from ``after`` on, without ever skipping an event that commits late."""
        ...
