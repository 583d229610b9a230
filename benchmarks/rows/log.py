"""Work on the whole log: reading, rebuilding, verifying."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from threading import Event, Thread

import psycopg

from adapters.postgres.tables import READ_MODELS
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from benchmarks.direct_shop import command_handler_on, commit
from benchmarks.goals import fact, times, value
from benchmarks.limits.fetching import EVENT
from benchmarks.measure import Row, Sample, rate
from benchmarks.peers import Peer
from benchmarks.rows.programs import run_python
from benchmarks.synthetic import fill, fill_log, insert_customer, new_life
from domain.ports.errors import OutsideError
from domain.ports.event_store import LogCursor
from domain.use_cases.audit.log_verification import verify

PAGE = 500

#: The events of a one-photo order.
LIFE = 7


class LogRow(Row):
    """Work on a whole log of one-photo orders."""

    unit = "events/s"
    rounds = 3

    def open(self, resources: ExitStack) -> None:
        """Fill a database."""
        url = self._url = self.servers.database()
        fill(url, self.size(1500, 40))
        self._unit_of_work = resources.enter_context(closing(PostgresUnitOfWork(url, connections=2)))
        self._bare = resources.enter_context(psycopg.connect(url))
        self._events = self._count_events()
        self._meter = self.servers.meter(with_client=True)

    def _counted(self, read: Callable[[], int]) -> Sample:
        def read_all() -> None:
            found = read()
            if found != self._events:
                raise AssertionError(f"{found} of {self._events} events were read.")

        return rate(self._events, self._meter, read_all)

    def _count_events(self) -> int:
        with self._bare.transaction():
            return int(self._bare.execute("SELECT count(*) FROM events").fetchall()[0][0])

    def _pages(self) -> Iterator[list[tuple[object, ...]]]:
        """Fetch all events through a server-side cursor."""
        with self._bare.transaction(), self._bare.cursor(name="log") as cursor:
            cursor.execute(f"{EVENT} ORDER BY txid, position".encode())
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
            Peer("eventsourcing", self.servers.empty_database(), orders=self._events // LIFE, photos=1)
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
    goals = (
        value("events/s", at_least=20_000),
        fact("refused commits", at_most=0),
        fact("longest commit ms", at_most=1000),
    )
    notes = (
        "Limit: the log fetched, and the read models' rows copied from one set of tables to another inside "
        "PostgreSQL. No peer: none has read models. The longest commit and those refused are of orders that another "
        "thread of the same process placed during one more rebuild."
    )

    def ours(self) -> Sample:
        """Rebuild all read models."""
        sample = rate(self._events, self._meter, self._rebuild)
        return replace(sample, facts=self._while_the_shop_runs())

    def _rebuild(self) -> None:
        orders = self._events // LIFE
        if sum(1 for _ in self._unit_of_work.rebuild()) < orders:
            raise AssertionError("Not every order was rebuilt.")

    def _while_the_shop_runs(self) -> dict[str, float]:
        """Rebuild once more while orders are placed; return what became of those."""
        visitor = _Visitor(self._url)
        thread = Thread(target=visitor.order_until_stopped)
        thread.start()
        try:
            self._rebuild()
        finally:
            visitor.stopping.set()
            thread.join()
        self._events = self._count_events()
        return {"longest commit ms": visitor.longest * 1000, "refused commits": visitor.refused}

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


class _Visitor:
    """Places orders, and notes how long their commits take."""

    def __init__(self, url: str) -> None:
        self.stopping = Event()
        self.longest = 0.0
        self.refused = 0.0
        self._url = url

    def order_until_stopped(self) -> None:
        """Commit whole lives of orders, one event each."""
        with (
            psycopg.connect(self._url, autocommit=True) as customers,
            closing(PostgresUnitOfWork(self._url, connections=1)) as unit_of_work,
        ):
            handler = command_handler_on(unit_of_work)
            while not self.stopping.is_set():
                facts, life = new_life()
                insert_customer(customers, facts)
                for event in life:
                    began = time.perf_counter()
                    try:
                        commit(handler, facts.order_id, event)
                    except OutsideError:
                        self.refused += 1
                        break
                    self.longest = max(self.longest, time.perf_counter() - began)


#: What verifies a log this long is worth several processes, and their start is a small part of it.
LONG_LOG_ORDERS = 40_000
ALL_CORES = "events/s, all cores"


class Verify(LogRow):
    """Verify the hash chain, on a core and on all."""

    name = "verify"
    work = "`events verify`"
    goals = (
        value("events/s", at_least=60_000),
        fact(ALL_CORES, at_least=60_000 * (os.cpu_count() or 1)),
    )
    notes = (
        "The value is of one process, in 10,500 events. All cores: the whole command, with its start and a process for "
        f"each core, in another log of {LONG_LOG_ORDERS * LIFE:,} events. Limit: SHA-256 of as many bytes as the "
        "events' rows have, on one core, without reading them. No peer: none has a hash chain."
    )

    def open(self, resources: ExitStack) -> None:
        """Keep the bytes of all rows, and fill the long log."""
        super().open(resources)
        self._bytes = [repr(row).encode() for page in self._pages() for row in page]
        url, orders = self.servers.database(), self.size(LONG_LOG_ORDERS, 40)
        fill_log(url, orders)
        self._long_log, self._long_log_events = {**os.environ, "DATABASE_URL": url}, orders * LIFE

    def ours(self) -> Sample:
        """Verify every event, as the command does."""

        def check() -> int:
            report = verify(self._unit_of_work.chained_events())
            if report.findings:
                raise AssertionError(f"The synthetic log is not whole: {report.findings[0]}.")
            return report.head.events

        return replace(self._counted(check), facts={ALL_CORES: self._by_all_cores()})

    def _by_all_cores(self) -> float:
        """Run the command; return how many events it verifies a second."""
        began = time.perf_counter()
        output, _ = run_python(["-m", "entrypoints.cli", "events", "verify", "--json"], self._long_log)
        seconds = time.perf_counter() - began
        found = json.loads(output)["events"]
        if found != self._long_log_events:
            raise AssertionError(f"{found} of {self._long_log_events} events were verified.")
        return self._long_log_events / seconds

    def limit(self) -> Sample:
        """Hash the same bytes."""

        def digest() -> int:
            for row in self._bytes:
                hashlib.sha256(row).hexdigest()
            return len(self._bytes)

        return self._counted(digest)
