"""The unit of work on PostgreSQL, and the rebuild of read models."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from adapters.circuit_breaker import CircuitBreaker
from adapters.postgres import rebuilding, schema
from adapters.postgres.chained_events import chained_by_processes, chained_events
from adapters.postgres.connections import (
    PROVIDER,
    STATEMENT_TIMEOUT_SECONDS,
    ReadOnlyServerError,
    connect,
    outages,
)
from adapters.postgres.customers import PostgresCustomers
from adapters.postgres.event_codec import Codec
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.log_recovery import PostgresLogRecovery
from adapters.postgres.notes import PostgresNotes
from adapters.postgres.order_queries import PostgresOrderQueries
from adapters.postgres.personal_data import PostgresPersonalData
from adapters.postgres.points_balances import PostgresPointsBalances
from adapters.postgres.prediction_limiter import PostgresPredictionSlots
from adapters.postgres.reactions import PostgresReactionTable
from adapters.postgres.reconciliation_queries import (
    PostgresReconciliationQueries,
    PostgresReconciliationRounds,
)
from adapters.postgres.unmatched_payments import PostgresUnmatchedPayments
from adapters.postgres.upload_sessions import PostgresUploadSessions
from adapters.postgres.usage_totals import PostgresUsageTotals
from adapters.postgres.webhook_inbox import PostgresWebhookInbox
from domain.order.values import OrderId
from domain.ports.event_store import ChainedEvent, LeftOutOrder
from domain.ports.unit_of_work import Database


class PostgresTransaction:
    """All repositories of one transaction, on one connection."""

    def __init__(self, connection: Connection, codec: Codec) -> None:
        self.upload_sessions = PostgresUploadSessions(connection)
        self.customers = PostgresCustomers(connection)
        self.personal_data = PostgresPersonalData(connection)
        self.points_balances = PostgresPointsBalances(connection)
        self.webhook_inbox = PostgresWebhookInbox(connection)
        self.unmatched_payments = PostgresUnmatchedPayments(connection)
        self.reactions = PostgresReactionTable(connection)
        self.prediction_slots = PostgresPredictionSlots(connection)
        self.event_store = PostgresEventStore(connection, codec)
        self.order_queries = PostgresOrderQueries(connection)
        self.reconciliation_queries = PostgresReconciliationQueries(connection, codec)
        self.log_recovery = PostgresLogRecovery(connection)
        self.reconciliation_rounds = PostgresReconciliationRounds(connection)
        self.notes = PostgresNotes(connection)
        self.usage_totals = PostgresUsageTotals(connection)


class PostgresUnitOfWork(Database):
    """The unit of work on a ``postgresql://`` URL, with a connection pool.

    ``processes`` is how many verify a long log.
    """

    def __init__(
        self,
        database_url: str,
        *,
        connections: int = 16,
        processes: int = 1,
        codec: Codec | None = None,
        statement_timeout_seconds: float = STATEMENT_TIMEOUT_SECONDS,
    ) -> None:
        self._codec = codec or Codec()
        self._database_url = database_url
        self._processes = processes
        self._engine = connect(
            database_url, connections=connections, statement_timeout_seconds=statement_timeout_seconds
        )
        self._breaker = CircuitBreaker(PROVIDER)

    @contextmanager
    def transaction(self) -> Iterator[PostgresTransaction]:
        with outages(self._breaker), self._engine.begin() as connection:
            yield PostgresTransaction(connection, self._codec)

    def rebuild(self) -> Iterator[OrderId | LeftOutOrder]:
        """Rebuild every read model while appends are blocked; see the port."""
        with outages(self._breaker):
            yield from rebuilding.rebuild(self._database_url, self._codec)

    def chained_events(self, order_id: OrderId | None = None) -> Iterator[ChainedEvent]:
        """Stream the log with its hashes, from one snapshot; see the port."""
        with outages(self._breaker):
            if order_id is None:
                yield from chained_by_processes(self._engine, self._codec, self._processes)
                return
            with self._engine.connect() as reader:
                yield from chained_events(reader, self._codec, order_id)

    def check(self) -> None:
        """Raise UnavailableError unless the database is writable and its schema fits."""
        with outages(self._breaker):
            try:
                with self._engine.connect() as connection:
                    schema.check(connection)
            except ReadOnlyServerError:
                self._engine.dispose()  # a new connection may reach the primary
                raise

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
