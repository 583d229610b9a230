"""The unit of work in memory: serial transactions, rolled back on errors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

from domain.order.events import RecordedEvent
from domain.order.evolve import fold
from domain.order.values import OrderId, Sha256
from domain.ports.backup_runs import BackupRuns
from domain.ports.customers import Customers
from domain.ports.event_store import (
    ChainedEvent,
    EventStore,
    LeftOutOrder,
)
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
from domain.ports.unit_of_work import Database
from domain.ports.unmatched_payments import UnmatchedPayments
from domain.ports.upload_sessions import UploadSessions
from domain.ports.webhook_inbox import WebhookInbox
from tests.doubles.backup_runs import InMemoryBackupRuns
from tests.doubles.customers import InMemoryCustomers
from tests.doubles.event_store import InMemoryEventStore, event_sha256
from tests.doubles.idempotency_keys import InMemoryIdempotencyKeys
from tests.doubles.log_recovery import InMemoryLogRecovery
from tests.doubles.notes import InMemoryNotes
from tests.doubles.order_queries import InMemoryOrderQueries
from tests.doubles.owner_letters import InMemoryOwnerLetters
from tests.doubles.personal_data import InMemoryPersonalData
from tests.doubles.points_balances import InMemoryPointsBalances
from tests.doubles.prediction_limiter import InMemoryPredictionSlots
from tests.doubles.reaction_table import InMemoryReactionTable
from tests.doubles.reconciliation_queries import InMemoryReconciliationQueries
from tests.doubles.reconciliation_rounds import InMemoryReconciliationRounds
from tests.doubles.resumable_uploads import InMemoryResumableUploads
from tests.doubles.tables import DraftTables, Tables
from tests.doubles.transaction_overlay import Locks, TransactionWrites
from tests.doubles.unmatched_payments import InMemoryUnmatchedPayments
from tests.doubles.upload_sessions import InMemoryUploadSessions
from tests.doubles.usage_totals import InMemoryUsageTotals
from tests.doubles.webhook_inbox import InMemoryWebhookInbox


class InMemoryTransaction:
    """Everything one transaction can use, on a draft of the tables."""

    idempotency_keys: IdempotencyKeys
    resumable_uploads: ResumableUploads
    upload_sessions: UploadSessions
    customers: Customers
    personal_data: PersonalData
    points_balances: PointsBalances
    webhook_inbox: WebhookInbox
    unmatched_payments: UnmatchedPayments
    reactions: ReactionTable
    prediction_slots: PredictionSlots
    event_store: EventStore
    order_queries: OrderQueries
    reconciliation_queries: ReconciliationQueries
    log_recovery: LogRecovery
    reconciliation_rounds: ReconciliationRounds
    backup_runs: BackupRuns
    notes: Notes
    owner_letters: OwnerLetters
    usage_totals: UsageTotals

    def __init__(self, pages: DraftTables, writing: TransactionWrites, oldest_txid: int) -> None:
        self.pages = pages
        self.writing = writing
        self.oldest_txid = oldest_txid
        self.is_void = False  # an append was refused: nothing may be kept

    def __getattr__(self, name: str) -> Any:
        """Create each port on first access."""
        port = _PORTS[name](self)
        setattr(self, name, port)
        return port


class InMemoryUnitOfWork(Database):
    """A database in memory; ``pages`` is its ledger.

    Transactions of several threads wait for one another.
    """

    def __init__(self) -> None:
        self.pages = Tables()
        self._locks = Locks()
        self._open: set[int] = set()
        self._turn = RLock()
        self._last_txid = 0

    @contextmanager
    def transaction(self) -> Iterator[InMemoryTransaction]:
        """Commit at the end of the block.

        Nothing is kept if the block raises, or if ``append`` refused a commit.
        """
        with self._turn:
            if self._open:
                raise RuntimeError("A transaction within a transaction would wait for itself.")
            transaction = self.begin()
            try:
                yield transaction
                self.commit(transaction)
            finally:
                self.end(transaction)

    def begin(self) -> InMemoryTransaction:
        """Begin a transaction, which sees committed rows and its own writes."""
        self._last_txid += 1
        self._open.add(self._last_txid)
        writing = TransactionWrites(self._last_txid, self._locks)
        return InMemoryTransaction(self.pages.draft(writing), writing, min(self._open))

    def commit(self, transaction: InMemoryTransaction) -> None:
        """Keep the writes, unless an append was refused."""
        if not transaction.is_void:
            transaction.pages.keep()

    def end(self, transaction: InMemoryTransaction) -> None:
        """Release the locks; uncommitted writes are lost."""
        self._open.discard(transaction.writing.txid)
        self._locks.release(transaction.writing.txid)

    def rebuild(self) -> Iterator[OrderId | LeftOutOrder]:
        """Fold every stream again."""
        with self._turn:
            for order_id, stream in sorted(self.pages.streams.items()):
                if (unreadable := self.pages.unreadable.get(order_id)) is not None:
                    yield LeftOutOrder(order_id, unreadable.detail)
                    continue
                self.pages.orders[order_id] = fold(order_id, stream)
                yield order_id

    def chained_events(self, order_id: OrderId | None = None) -> Iterator[ChainedEvent]:
        """The log with its hashes."""
        heads: dict[OrderId, Sha256 | None] = {}
        for cursor, recorded in sorted(self.pages.log.items()):
            if order_id not in {None, recorded.order_id}:
                continue
            assert recorded.sha256 is not None
            previous = heads.get(recorded.order_id)
            yield ChainedEvent(
                cursor=cursor,
                order_id=recorded.order_id,
                version=recorded.version,
                previous_sha256=previous,
                sha256=recorded.sha256,
                actual_sha256=event_sha256(recorded, previous),
                is_decodable=not self._is_unreadable(recorded),
            )
            heads[recorded.order_id] = recorded.sha256

    def _is_unreadable(self, recorded: RecordedEvent) -> bool:
        unreadable = self.pages.unreadable.get(recorded.order_id)
        return unreadable is not None and unreadable.version == recorded.version

    def check(self) -> None:
        """Report nothing: memory is always available."""


#: The factory of each port of a transaction.
_PORTS: dict[str, Callable[[InMemoryTransaction], object]] = {
    "idempotency_keys": lambda of: InMemoryIdempotencyKeys(of.pages.idempotency_keys),
    "resumable_uploads": lambda of: InMemoryResumableUploads(of.pages.resumable),
    "upload_sessions": lambda of: InMemoryUploadSessions(
        of.pages.uploads, of.pages.orders, of.pages.resumable
    ),
    "customers": lambda of: InMemoryCustomers(of.pages),
    "personal_data": lambda of: InMemoryPersonalData(of.pages),
    "points_balances": lambda of: InMemoryPointsBalances(of.pages),
    "webhook_inbox": lambda of: InMemoryWebhookInbox(of.pages),
    "unmatched_payments": lambda of: InMemoryUnmatchedPayments(of.pages),
    "reactions": lambda of: InMemoryReactionTable(of.pages),
    "prediction_slots": lambda of: InMemoryPredictionSlots(of.pages, of.writing),
    "event_store": InMemoryEventStore,
    "order_queries": lambda of: InMemoryOrderQueries(of.pages),
    "reconciliation_queries": lambda of: InMemoryReconciliationQueries(of.pages),
    "log_recovery": lambda of: InMemoryLogRecovery(of.pages),
    "reconciliation_rounds": lambda of: InMemoryReconciliationRounds(of.pages, of.writing),
    "backup_runs": lambda of: InMemoryBackupRuns(of.pages, of.writing),
    "notes": lambda of: InMemoryNotes(of.pages),
    "owner_letters": lambda of: InMemoryOwnerLetters(of.pages.owner_letters),
    "usage_totals": lambda of: InMemoryUsageTotals(of.pages),
}
