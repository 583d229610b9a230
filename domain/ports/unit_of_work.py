"""The unit of work: one transaction over the repositories that a use case names.

UnitOfWorkError
├── VersionConflictError   somebody else recorded on this stream first: load again and decide again
├── CauseRepeatedError     this cause is on record in this stream already: there is nothing to do
├── LeaseLostError         somebody else owns this reaction now: discard what you did
└── UnreadableReactionError  another version of the shop wrote this reaction: leave it alone
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar
from uuid import UUID

from domain.order.values import OrderId
from domain.ports.customers import Customers
from domain.ports.event_store import ChainedEvent, EventStore
from domain.ports.log_recovery import LogRecovery
from domain.ports.notes import Notes
from domain.ports.order_queries import OrderQueries
from domain.ports.personal_data import PersonalData
from domain.ports.points_balances import PointsBalances
from domain.ports.prediction_limiter import PredictionSlots
from domain.ports.rate_limiter import UsageTotals
from domain.ports.reaction_queue import ReactionTable
from domain.ports.reconciliation_queries import ReconciliationQueries, ReconciliationRounds
from domain.ports.unmatched_payments import UnmatchedPayments
from domain.ports.upload_sessions import UploadSessions
from domain.ports.webhook_inbox import WebhookInbox


class UnitOfWorkError(Exception):
    """The root of what keeps a transaction from being written."""


class VersionConflictError(UnitOfWorkError):
    """The stream is not at the version the step was decided on."""

    def __init__(self, order_id: OrderId, expected_version: int) -> None:
        self.order_id = order_id
        self.expected_version = expected_version
        super().__init__(f"Order {order_id} is past version {expected_version}: load it and decide again.")


class CauseRepeatedError(UnitOfWorkError):
    """The same cause was recorded in this stream before."""

    def __init__(self, order_id: OrderId) -> None:
        self.order_id = order_id
        super().__init__(f"What caused this is on record in order {order_id} already: nothing is left to do.")


class LeaseLostError(UnitOfWorkError):
    """The reaction belongs to somebody else, or is closed."""

    def __init__(self, reaction_id: UUID) -> None:
        self.reaction_id = reaction_id
        super().__init__(f"Reaction {reaction_id} is somebody else's by now: discard this outcome.")


class UnreadableReactionError(UnitOfWorkError):
    """A stored reaction is of a kind or version this program does not know, or its arguments are damaged."""

    def __init__(self, reaction_id: UUID, kind: str, version: int) -> None:
        self.reaction_id = reaction_id
        self.version = version
        super().__init__(
            f"Reaction {reaction_id} ({kind}, version {version}) cannot be read: run the version that wrote it."
        )


class HasUploadSessions(Protocol):
    @property
    def upload_sessions(self) -> UploadSessions: ...


class HasCustomers(Protocol):
    @property
    def customers(self) -> Customers: ...


class HasPersonalData(Protocol):
    @property
    def personal_data(self) -> PersonalData: ...


class HasPointsBalances(Protocol):
    @property
    def points_balances(self) -> PointsBalances: ...


class HasWebhookInbox(Protocol):
    @property
    def webhook_inbox(self) -> WebhookInbox: ...


class HasUnmatchedPayments(Protocol):
    @property
    def unmatched_payments(self) -> UnmatchedPayments: ...


class HasReactions(Protocol):
    @property
    def reactions(self) -> ReactionTable: ...


class HasPredictionSlots(Protocol):
    @property
    def prediction_slots(self) -> PredictionSlots: ...


class HasEventStore(Protocol):
    @property
    def event_store(self) -> EventStore: ...


class HasOrderQueries(Protocol):
    @property
    def order_queries(self) -> OrderQueries: ...


class HasReconciliationQueries(Protocol):
    @property
    def reconciliation_queries(self) -> ReconciliationQueries: ...


class HasLogRecovery(Protocol):
    @property
    def log_recovery(self) -> LogRecovery: ...


class HasReconciliationRounds(Protocol):
    @property
    def reconciliation_rounds(self) -> ReconciliationRounds: ...


class HasNotes(Protocol):
    @property
    def notes(self) -> Notes: ...


class HasUsageTotals(Protocol):
    @property
    def usage_totals(self) -> UsageTotals: ...


class Transaction(
    HasUploadSessions,
    HasCustomers,
    HasPersonalData,
    HasPointsBalances,
    HasWebhookInbox,
    HasUnmatchedPayments,
    HasReactions,
    HasPredictionSlots,
    HasEventStore,
    HasOrderQueries,
    HasReconciliationQueries,
    HasLogRecovery,
    HasReconciliationRounds,
    HasNotes,
    HasUsageTotals,
    Protocol,
):
    """Every repository of one transaction."""


Repositories_co = TypeVar("Repositories_co", covariant=True)


class UnitOfWork(Protocol[Repositories_co]):
    """Opens transactions on the repositories that its user names."""

    def transaction(self) -> AbstractContextManager[Repositories_co]:
        """A transaction that commits when the block ends and rolls back when it raises.

        Raises UnavailableError when the database cannot be reached; whether a commit arrived may then be unknown.
        """
        ...


class ReadModels(Protocol):
    """The projections of the log."""

    def rebuild(self) -> Iterator[OrderId]:
        """Write every read model anew from the log, and give each order as it is done."""
        ...


class HashChain(Protocol):
    """The log as a chain of hashes."""

    def chained_events(self, order_id: OrderId | None = None) -> Iterator[ChainedEvent]:
        """Every committed event of the log, in commit order, with its hashes; none that may yet be overtaken.

        Of one order, all that is committed: within a stream nothing is overtaken.
        """
        ...


class Database(UnitOfWork[Transaction], ReadModels, HashChain, Protocol):
    """All that the database offers; a use case takes a ``UnitOfWork`` of the repositories it names instead."""

    def check(self) -> None:
        """Raise UnavailableError unless the database answers and its schema is current."""
        ...
