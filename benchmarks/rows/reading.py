"""Reading the log: orders, all events, rebuilds, verification."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from itertools import cycle
from typing import ClassVar

import psycopg

from adapters.postgres.tables import READ_MODELS
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from benchmarks.goals import times, value
from benchmarks.measure import Direction, Row, Sample, rate
from benchmarks.peers import Peer
from benchmarks.synthetic import fill
from domain.order.values import OrderId
from domain.ports.event_store import LogCursor
from domain.use_cases.audit.log_verification import verify

PAGE = 500

_EVENT = """SELECT position, data::text, event_id, order_id, version, name, recorded_at, cause, cause_key,
    correlation_id, actor, previous_sha256, sha256 FROM events"""


class LoadRow(Row):
    """Load and fold orders of one size, on one thread."""

    notes = "Limit: the same rows selected and fetched through psycopg, neither decoded nor folded."
    photos: ClassVar[int]
    notes_of_staff: ClassVar[int] = 0
    full: ClassVar[int]

    def open(self, resources: ExitStack) -> None:
        """Fill a database, and the peer's with aggregates of as many events."""
        url = self.servers.database()
        count = self.size(20, 4)
        ids = fill(url, count, photos=self.photos, notes=self.notes_of_staff)
        self._ids = cycle([OrderId(order_id) for order_id in ids])
        self._unit_of_work = resources.enter_context(closing(PostgresUnitOfWork(url, connections=1)))
        self._bare = resources.enter_context(psycopg.connect(url, autocommit=True))
        events = 2 * self.photos + 5 + self.notes_of_staff
        self._peer = resources.enter_context(
            Peer("eventsourcing", self.servers.empty_database(), aggregates=count, events=events)
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
            f"{_EVENT} WHERE order_id = %s ORDER BY version".encode(), (next(self._ids),)
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


class LogRow(Row):
    """Work on a whole log of one-photo orders."""

    unit = "events/s"
    rounds = 3

    def open(self, resources: ExitStack) -> None:
        """Fill a database."""
        url = self.servers.database()
        orders = self.size(1500, 40)
        fill(url, orders)
        self._events = orders * 7
        self._unit_of_work = resources.enter_context(closing(PostgresUnitOfWork(url, connections=2)))
        self._bare = resources.enter_context(psycopg.connect(url))
        self._meter = self.servers.meter(with_client=True)

    def _counted(self, read: Callable[[], int]) -> Sample:
        def read_all() -> None:
            found = read()
            if found != self._events:
                raise AssertionError(f"{found} of {self._events} events were read.")

        return rate(self._events, self._meter, read_all)

    def _pages(self) -> Iterator[list[tuple[object, ...]]]:
        """Fetch all events through a server-side cursor."""
        with self._bare.transaction(), self._bare.cursor(name="log") as cursor:
            cursor.execute(f"{_EVENT} ORDER BY txid, position".encode())
            while page := cursor.fetchmany(PAGE):
                yield page


class ReadLog(LogRow):
    """Read and decode all events in commit order."""

    name = "read-log"
    work = "read and decode the whole log in commit order"
    goals = (times("eventsourcing", 3),)
    notes = "Limit: the same rows through a server-side cursor, in pages of 500, not decoded."

    def open(self, resources: ExitStack) -> None:
        """Fill the peer's database with as many events."""
        super().open(resources)
        self._peer = resources.enter_context(
            Peer("eventsourcing", self.servers.empty_database(), aggregates=self._events // 7, events=7)
        )

    def ours(self) -> Sample:
        """Read the log page by page."""
        return self._counted(self._read)

    def limit(self) -> Sample:
        """Fetch the same rows."""
        return self._counted(lambda: sum(len(page) for page in self._pages()))

    def peers(self) -> Mapping[str, Callable[[], Sample]]:
        """Select and decode the peer's notification log."""
        return {"eventsourcing": lambda: self._peer.rate("read_log", self._events, self.servers)}

    def _read(self) -> int:
        cursor, found = LogCursor(), 0
        while True:
            with self._unit_of_work.transaction() as transaction:
                page = transaction.event_store.read_all(cursor, PAGE)
            if not page:
                return found
            cursor, found = page[-1][0], found + len(page)


class Rebuild(LogRow):
    """Rebuild the read models."""

    name = "rebuild"
    work = "rebuild of the read models"
    goals = (value("events/s", at_least=20_000),)
    notes = (
        "Limit: the log fetched, and the read models' rows copied from one set of tables to another inside "
        "PostgreSQL. No peer: none has read models. Refused payments are not counted yet: a rebuild still shuts "
        "writes out."
    )

    def ours(self) -> Sample:
        """Rebuild all read models."""
        orders = self._events // 7

        def rebuild() -> None:
            if sum(1 for _ in self._unit_of_work.rebuild()) != orders:
                raise AssertionError("Not every order was rebuilt.")

        return rate(self._events, self._meter, rebuild)

    def limit(self) -> Sample:
        """Read what a rebuild reads, and write what it writes."""

        def copy() -> int:
            found = sum(len(page) for page in self._pages())
            with self._bare.transaction(force_rollback=True):
                for table in READ_MODELS:
                    self._bare.execute(
                        f"CREATE TABLE copy_of_{table.name} (LIKE {table.name} INCLUDING ALL)".encode()
                    )
                    self._bare.execute(
                        f"INSERT INTO copy_of_{table.name} SELECT * FROM {table.name}".encode()
                    )
            return found

        return self._counted(copy)


class Verify(LogRow):
    """Verify the hash chain."""

    name = "verify"
    work = "`events verify`"
    goals = (value("events/s", at_least=60_000),)
    notes = (
        "Limit: SHA-256 of as many bytes as the events' rows have, on one core, without reading them. No peer: none "
        "has a hash chain."
    )

    def open(self, resources: ExitStack) -> None:
        """Keep the bytes of all rows."""
        super().open(resources)
        self._bytes = [repr(row).encode() for page in self._pages() for row in page]

    def ours(self) -> Sample:
        """Verify every event, as the command does."""

        def check() -> int:
            report = verify(self._unit_of_work.chained_events())
            if report.findings:
                raise AssertionError(f"The synthetic log is not whole: {report.findings[0]}.")
            return report.head.events

        return self._counted(check)

    def limit(self) -> Sample:
        """Hash the same bytes."""

        def digest() -> int:
            for row in self._bytes:
                hashlib.sha256(row).hexdigest()
            return len(self._bytes)

        return self._counted(digest)
