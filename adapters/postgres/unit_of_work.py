"""The unit of work on PostgreSQL, and the rebuild of read models.

What reads or writes events is imported when it is first used.
"""
# ruff: noqa: PLC0415 -- see above

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import QueuePool

from adapters.circuit_breaker import CircuitBreaker
from adapters.postgres import schema
from adapters.postgres.connections import connect
from adapters.postgres.outages import PROVIDER, ReadOnlyServerError, outages
from adapters.postgres.recent_orders import RecentOrders
from adapters.postgres.session_settings import STATEMENT_TIMEOUT_SECONDS
from adapters.postgres.transaction import PostgresTransaction
from domain.ports.unit_of_work import Database

if TYPE_CHECKING:
    from adapters.postgres.event_codec import Codec
    from domain.order.values import OrderId
    from domain.ports.event_store import ChainedEvent, LeftOutOrder


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
        self._own_codec = codec
        self._recent_orders = RecentOrders()
        self._database_url = database_url
        self._processes = processes
        self._engine = connect(
            database_url, connections=connections, statement_timeout_seconds=statement_timeout_seconds
        )
        self._breaker = CircuitBreaker(PROVIDER)

    @contextmanager
    def transaction(self) -> Iterator[PostgresTransaction]:
        with outages(self._breaker), self._engine.begin() as connection:
            yield PostgresTransaction(connection, self._codec, self._recent_orders)

    def rebuild(self) -> Iterator[OrderId | LeftOutOrder]:
        """Rebuild every read model while the shop runs; see the port."""
        from adapters.postgres import rebuilding

        with outages(self._breaker):
            yield from rebuilding.rebuild(self._database_url, self._codec())

    def chained_events(self, order_id: OrderId | None = None) -> Iterator[ChainedEvent]:
        """Stream the log with its hashes, from one snapshot; see the port."""
        from adapters.postgres.chained_events import chained_by_processes, chained_events

        with outages(self._breaker):
            if order_id is None:
                yield from chained_by_processes(self._engine, self._codec(), self._processes)
                return
            with self._engine.begin() as reader:
                yield from chained_events(reader, self._codec(), order_id)

    def check(self) -> None:
        """Raise UnavailableError unless the database is writable and its schema fits."""
        with outages(self._breaker):
            try:
                with self._engine.connect() as connection:
                    schema.check(connection)
            except ReadOnlyServerError:
                self._engine.dispose()  # a new connection may reach the primary
                raise

    def connections_in_use(self) -> int:
        """How many connections of the pool are in use."""
        pool = self._engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _codec(self) -> Codec:
        from adapters.postgres.event_codec import OWN_CODEC

        return self._own_codec or OWN_CODEC
