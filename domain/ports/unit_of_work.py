"""The unit of work: one transaction over named repositories.

UnitOfWorkError
├── VersionConflictError   another transaction appended to this stream first: reload and decide again
├── CauseRepeatedError     this cause is recorded in this stream already: nothing is left to do
├── LeaseLostError         the lease is another worker's now: discard the outcome
└── UnreadableReactionError  another version of the shop wrote this reaction: leave it alone
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, TypeVar
from uuid import UUID

from domain.order.values import OrderId

if TYPE_CHECKING:  # a command that lists orders needs none of them, nor the events they import
    from domain.ports.backup_runs import BackupRuns
    from domain.ports.customers import Customers
    from domain.ports.event_store import ChainedEvent, EventStore, LeftOutOrder
    from domain.ports.idempotency_keys import IdempotencyKeys
    from domain.ports.log_recovery import LogRecovery
    from domain.ports.notes import Notes
    from domain.ports.order_queries import OrderQueries
    from domain.ports.owner_letters import OwnerLetters
    from domain.ports.personal_data import PersonalData
    from domain.ports.points_balances import PointsBalances
    from domain.ports.prediction_limiter import PredictionSlots
    from domain.ports.rate_limiter import UsageTotals
    from domain.ports.reaction_queue import ReactionTable
    from domain.ports.reconciliation_queries import ReconciliationQueries
    from domain.ports.reconciliation_rounds import ReconciliationRounds
    from domain.ports.resumable_uploads import ResumableUploads
    from domain.ports.unmatched_payments import UnmatchedPayments
    from domain.ports.upload_sessions import UploadSessions
    from domain.ports.webhook_inbox import WebhookInbox


class UnitOfWorkError(Exception):
    """The root of errors that prevent a commit."""


class VersionConflictError(UnitOfWorkError):
    """The stream is not at the version that was decided on."""

    def __init__(self, order_id: OrderId, expected_version: int) -> None:
        self.order_id = order_id
        self.expected_version = expected_version
        super().__init__(f"Order {order_id} is past version {expected_version}: load it and decide again.")


class CauseRepeatedError(UnitOfWorkError):
    """The same cause is recorded in this stream already."""

    def __init__(self, order_id: OrderId) -> None:
        self.order_id = order_id
        super().__init__(f"What caused this is on record in order {order_id} already: nothing is left to do.")


class LeaseLostError(UnitOfWorkError):
    """The reaction is leased to another worker, or closed."""

    def __init__(self, reaction_id: UUID) -> None:
        self.reaction_id = reaction_id
        super().__init__(f"Reaction {reaction_id} is another worker's by now: discard this outcome.")


class UnreadableReactionError(UnitOfWorkError):
    """A stored reaction has an unknown kind or version, or damaged arguments."""

    def __init__(self, reaction_id: UUID, kind: str, version: int) -> None:
        self.reaction_id = reaction_id
        self.version = version
        super().__init__(
            f"Reaction {reaction_id} ({kind}, version {version}) cannot be read: run the version that wrote it."
        )


class HasResumableUploads(Protocol):
    @property
    def resumable_uploads(self) -> ResumableUploads: ...


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


class HasOrders(HasEventStore, HasPredictionSlots, HasReactions, Protocol):
    """What each commit on an order writes to."""


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


class HasBackupRuns(Protocol):
    @property
    def backup_runs(self) -> BackupRuns: ...


class HasNotes(Protocol):
    @property
    def notes(self) -> Notes: ...


class HasOwnerLetters(Protocol):
    @property
    def owner_letters(self) -> OwnerLetters: ...


class HasIdempotencyKeys(Protocol):
    @property
    def idempotency_keys(self) -> IdempotencyKeys: ...


class HasUsageTotals(Protocol):
    @property
    def usage_totals(self) -> UsageTotals: ...


class Transaction(
    HasIdempotencyKeys,
    HasResumableUploads,
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
    HasBackupRuns,
    HasNotes,
    HasOwnerLetters,
    HasUsageTotals,
    Protocol,
):
    """All repositories of one transaction."""


Repositories_co = TypeVar("Repositories_co", covariant=True)


class UnitOfWork(Protocol[Repositories_co]):
    """Opens transactions over the repositories that its user names."""

    def transaction(self) -> AbstractContextManager[Repositories_co]:
        """A transaction that commits at the block's end.

        It rolls back when the block raises. Raise UnavailableError when the database cannot be reached; whether a
        commit succeeded may then be unknown.
        """


class ReadModels(Protocol):
    """The projections of the log."""

    def rebuild(self) -> Iterator[OrderId | LeftOutOrder]:
        """Rebuild every projection from the log; yield each order when done.

        Orders are recorded meanwhile. Nothing changes before the iterator is exhausted, then everything at once. An
        order that cannot be read keeps the rows that it has: its payment and number must stay known.
        """


class HashChain(Protocol):
    """The log as a chain of hashes."""

    def chained_events(self, order_id: OrderId | None = None) -> Iterator[ChainedEvent]:
        """Every committed event with its hashes, in commit order.

        An event that another one may still precede is left out. With ``order_id``, all committed events of that
        order: within a stream none can be preceded.
        """


class Database(UnitOfWork[Transaction], ReadModels, HashChain, Protocol):
    """All that the database offers.

    A use case accepts a ``UnitOfWork`` of the repositories it names instead.
    """

    def check(self) -> None:
        """Raise UnavailableError unless the database answers and its schema is current."""
