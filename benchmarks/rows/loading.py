"""Loading one order: its events fetched, decoded and folded."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from itertools import cycle
from typing import ClassVar

import psycopg

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from benchmarks.goals import times, value
from benchmarks.limits.fetching import EVENT
from benchmarks.measure import Direction, Row, Sample, rate
from benchmarks.peers import Peer
from benchmarks.synthetic import fill
from domain.order.values import OrderId


class LoadRow(Row):
    """Load and fold orders of one size, on one thread."""

    notes = "Limit: the same rows selected and fetched through psycopg, neither decoded nor folded."
    photos: ClassVar[int]
    notes_of_staff: ClassVar[int] = 0
    full: ClassVar[int]

    def open(self, resources: ExitStack) -> None:
        """Fill a database, and the peer's with as many events an order."""
        url = self.servers.database()
        count = self.size(20, 4)
        ids = fill(url, count, photos=self.photos, notes=self.notes_of_staff)
        self._ids = cycle([OrderId(order_id) for order_id in ids])
        self._unit_of_work = resources.enter_context(closing(PostgresUnitOfWork(url, connections=1)))
        self._bare = resources.enter_context(psycopg.connect(url, autocommit=True))
        of_each = {"photos": self.photos, "notes": self.notes_of_staff}
        self._peer = resources.enter_context(
            Peer("eventsourcing", self.servers.empty_database(), orders=count, **of_each)
        )
        self._meter = self.servers.meter(with_client=True)
        self._operations = self.size(self.full, 10)
        for _ in range(10):
            self._load()
            self._select()

    def ours(self) -> Sample:
        """Load orders, each in its own transaction."""
        return self._timed(self._load)

    def limit(self) -> Sample:
        """Fetch the same rows."""
        return self._timed(self._select)

    def peers(self) -> Mapping[str, Callable[[], Sample]]:
        """Get aggregates of as many events."""
        return {
            "eventsourcing": lambda: self._in_unit(self._peer.rate("load", self._operations, self.servers))
        }

    def _timed(self, do: Callable[[], object]) -> Sample:
        def repeat() -> None:
            for _ in range(self._operations):
                do()

        return self._in_unit(rate(self._operations, self._meter, repeat))

    def _in_unit(self, sample: Sample) -> Sample:
        return sample

    def _load(self) -> None:
        with self._unit_of_work.transaction() as transaction:
            transaction.event_store.load(next(self._ids))

    def _select(self) -> None:
        self._bare.execute(
            f"{EVENT} WHERE order_id = %s ORDER BY version".encode(), (next(self._ids),)
        ).fetchall()


class LoadShortOrder(LoadRow):
    """An order of twelve photos."""

    name = "load-30"
    work = "load and fold an order of 30 events (12 photos)"
    unit = "orders/s"
    goals = (times("eventsourcing", 3),)
    photos = 12
    notes_of_staff = 1
    full = 200


class LoadLongOrder(LoadRow):
    """An order of two hundred photos."""

    name = "load-405"
    work = "load and fold an order of 405 events (200 photos)"
    unit = "ms"
    direction = Direction.LOWER
    goals = (value("ms", at_most=8),)
    photos = 200
    full = 20

    def _in_unit(self, sample: Sample) -> Sample:
        return Sample(value=1000 / sample.value, cpu_ms=sample.cpu_ms)
