"""The cost of an order beside many others, live or archived."""

import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from adapters.postgres.log_archive import archive
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from benchmarks.direct_shop import command_handler_on, commit
from benchmarks.goals import at_most_times
from benchmarks.measure import LIMIT, Direction, Row, Sample
from benchmarks.synthetic import fill, insert_customer, new_life
from domain.use_cases.queries import Queries

SMALL = 100

#: Over how long archived orders were paid.
YEARS = timedelta(days=1095)


class Growth(Row):
    """The life of an order, its details, and the newest orders."""

    name = "growth"
    work = "cost of an order in a database of 10,000 orders (1,000,000 with --large)"
    unit = "ms CPU"
    direction = Direction.LOWER
    goals = (at_most_times(LIMIT, 1.2),)
    notes = (
        f"Seven commits of one order, its details, and the newest 50 orders; limit: the same in a database of {SMALL} "
        "orders. For every other row in a large database: `--filled 10000`, `--against` a run without."
    )
    rounds = 3
    archives = False

    def open(self, resources: ExitStack) -> None:
        """Fill both databases."""
        number = 1_000_000 if self.large else self.size(10_000, 300)
        self._meter = self.servers.meter(with_client=True)
        self._orders = self.size(40, 4)
        self._large = _Database(resources, self.servers.database(), number, archives=self.archives)
        self._small = _Database(resources, self.servers.database(), SMALL)
        for database in (self._large, self._small):
            database.live()

    def ours(self) -> Sample:
        """Measure in the large database."""
        return self._timed(self._large)

    def limit(self) -> Sample:
        """Measure in the small database."""
        return self._timed(self._small)

    def _timed(self, database: "_Database") -> Sample:
        with self._meter.reading() as used:
            for _ in range(self._orders):
                database.live()
        cpu_ms = used.ms_per(self._orders)
        return Sample(value=sum(cpu_ms.values()), cpu_ms=cpu_ms, facts=database.sizes())


class Archive(Growth):
    """The same beside finished orders of three years, archived by month."""

    name = "archive"
    work = "cost of an order beside 10,000 archived ones (1,000,000 with --large)"
    notes = (
        "As `growth`, but all orders of three years are archived first, in 36 tables. `archived/s`: orders that the "
        "archive moves a second."
    )
    archives = True


class _Database:
    """A filled database, and the shop on it."""

    def __init__(self, resources: ExitStack, url: str, orders: int, *, archives: bool = False) -> None:
        fill(url, orders, purged=archives, over=YEARS if archives else timedelta())
        self._facts = _archived(url) if archives else {}
        self._connection: psycopg.Connection[Any] = resources.enter_context(
            psycopg.connect(url, autocommit=True)
        )
        unit_of_work = resources.enter_context(closing(PostgresUnitOfWork(url, connections=2)))
        self._handler = command_handler_on(unit_of_work)
        self._queries = Queries(unit_of_work=unit_of_work, hash_chain=unit_of_work)

    def live(self) -> None:
        """Let an order live."""
        facts, life = new_life()
        insert_customer(self._connection, facts)
        for event in life:
            commit(self._handler, facts.order_id, event)
        self._queries.details(facts.order_id)
        self._queries.newest(50)

    def sizes(self) -> dict[str, float]:
        """Return the sizes of the log, the database and an archive."""
        found = self._connection.execute(
            """SELECT pg_total_relation_size('events') / 1e6, pg_database_size(current_database()) / 1e6,
                (SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0) FROM pg_inherits
                WHERE inhparent = 'events'::regclass) / 1e6"""
        ).fetchall()
        log, database, archived = map(float, found[0])
        sizes = {"log MB": log, "database MB": database}
        return {**sizes, "archive MB": archived, **self._facts} if self._facts else sizes


def _archived(url: str) -> dict[str, float]:
    """Archive all orders; return how fast that was."""
    began = time.monotonic()
    orders = sum(batch.orders for batch in archive(url, datetime.now(UTC)))
    seconds = time.monotonic() - began
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return {"archived/s": orders / seconds}
