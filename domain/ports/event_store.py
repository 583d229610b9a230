"""The port for the event log, and the commit that is appended."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from domain.order.events import RecordedEvent
from domain.order.order import Order
from domain.order.values import OrderId, OrderNumber, Sha256
from domain.ports.reaction_queue import Claim, Outcome, ScheduledReaction


@dataclass(frozen=True, kw_only=True)
class Commit:
    """Events and reactions of one order that are committed atomically."""

    before: Order
    after: Order
    events: tuple[RecordedEvent, ...]
    reactions: tuple[ScheduledReaction, ...] = ()
    closes: Claim | None = None
    outcome: Outcome = Outcome.DONE  # of the claim that it closes
    again_at: datetime | None = None  # when the reaction is due again, if its outcome is AGAIN
    follow_up: Claim | None = None  # on what the committing thread goes on with


class LogCursor(NamedTuple):
    """A position in the whole log, in commit order."""

    txid: int = 0
    position: int = 0


class ChainedEvent(NamedTuple):
    """An event's positions and hashes, without its content."""

    cursor: LogCursor
    order_id: OrderId
    version: int
    previous_sha256: Sha256 | None  # its predecessor's hash when it was recorded; none for version 1
    sha256: Sha256  # as recorded
    actual_sha256: Sha256  # computed from the event as it is stored now
    is_readable: bool = True  # false when no reader of the log in commit order would see it
    is_decodable: bool = True  # false when this version of the shop does not know its name or fields


@dataclass(frozen=True, kw_only=True)
class UnreadableEvent:
    """An event of unknown name or version, or a damaged one."""

    event_id: UUID
    order_id: OrderId
    version: int
    position: int
    stored_name: str
    recorded_at: datetime
    actor: str
    detail: str  # why it cannot be read and what to do, without an initial capital
    number: OrderNumber | None = None  # from the projection, where it is queried


@dataclass(frozen=True, kw_only=True)
class ArchivedBatch:
    """Finished orders that one transaction archived."""

    orders: int
    events: int
    in_use: int  # orders that others had locked, left for the next time


@dataclass(frozen=True)
class LeftOutOrder:
    """An order that a rebuild skipped because its stream is unreadable."""

    order_id: OrderId
    detail: str  # why, and what to do, without an initial capital


class EventStore(Protocol):
    """The log of all orders, and the projections written with it."""

    def lock(self, order_id: OrderId) -> None:
        """Lock an order against other transactions until this one ends.

        It must be taken before the first write: then the events of a stream have ascending positions in the log.
        """

    def load_locked(self, order_id: OrderId, known: Order | None = None) -> Order:
        """``lock`` and ``load`` at once: the order stays current until the end.

        ``known`` is an earlier state of the order, from which the load may go on; the result is the same without it.
        """

    def load(self, order_id: OrderId) -> Order:
        """Load the order by folding its stream; version 0 without events."""

    def load_repeatedly(self, order_id: OrderId) -> Order:
        """``load``, cheaper for an order that was read like this before."""

    def load_all(self, order_ids: Sequence[OrderId]) -> Mapping[OrderId, Order]:
        """``load`` several orders at once."""

    def load_by_token(self, token_sha256: Sha256) -> Order | None:
        """The order that a download token belongs to."""

    def load_by_payment(self, payment_intent_id: str) -> Order | None:
        """The order that was paid by this payment intent."""

    def history(self, order_id: OrderId) -> list[RecordedEvent]:
        """The order's stream, from its first event."""

    def read(self, order_id: OrderId) -> list[RecordedEvent | UnreadableEvent]:
        """The order's stream from its first event, also what cannot be read."""

    def append(self, *commits: Commit) -> Collection[UUID]:
        """Append events, update projections, insert reactions, close the claim.

        Return the ids of the reactions that are leased to the claims they came with. All of it is atomic. One commit
        alone may close a claim; several are of different orders. Raise
        VersionConflictError, CauseRepeatedError or LeaseLostError; the transaction is then void.
        """

    def read_all(
        self, after: LogCursor, limit: int
    ) -> list[tuple[LogCursor, RecordedEvent | UnreadableEvent]]:
        """Events after a cursor, in commit order.

        An event that commits late is never skipped.
        """
