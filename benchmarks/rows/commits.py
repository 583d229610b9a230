"""A whole commit: load, decide, append, read models, reactions."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from typing import ClassVar

import psycopg

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from benchmarks.direct_shop import command_handler_on, commit
from benchmarks.goals import of_the_limit, times
from benchmarks.limits.inserts import Inserts
from benchmarks.measure import Row, Sample, rate
from benchmarks.peers import Peer
from benchmarks.synthetic import insert_customer, new_life
from benchmarks.threads import in_threads
from domain.order.events import Event
from domain.order.values import OrderId


class CommitRow(Row):
    """Commits of the seven events of one-photo orders, one event each."""

    unit = "commits/s"
    goals = (of_the_limit(0.35), times("eventsourcing", 3))
    notes = (
        "Limit: one INSERT of 400 bytes, committed. Waking a worker through Valkey is not part of a commit."
    )
    threads: ClassVar[int]

    def open(self, resources: ExitStack) -> None:
        """Open a database and a pool of connections."""
        url = self.servers.database()
        self._unit_of_work = resources.enter_context(
            closing(PostgresUnitOfWork(url, connections=self.threads))
        )
        self._handler = command_handler_on(self._unit_of_work)
        self._customers = resources.enter_context(psycopg.connect(url, autocommit=True))
        self._inserts = Inserts(resources, url, self.threads)
        self._peer = resources.enter_context(
            Peer("eventsourcing", self.servers.empty_database(), threads=self.threads)
        )
        self._meter = self.servers.meter(with_client=True)
        self._operations = self.size(70 * 8, 7 * 8)
        # So that no first connection or plan is measured.
        in_threads(self.threads, self.threads * 7, self._committer)()

    def ours(self) -> Sample:
        """Commit as many events as the limit inserts rows."""
        return rate(
            self._operations, self._meter, in_threads(self.threads, self._operations, self._committer)
        )

    def limit(self) -> Sample:
        """Insert and commit a row for each event."""
        return self._inserts.rate(self._operations, self._meter)

    def peers(self) -> Mapping[str, Callable[[], Sample]]:
        """Get an aggregate, trigger an event and save, as often."""
        return {"eventsourcing": lambda: self._peer.rate("append", self._operations, self.servers)}

    def _committer(self, _: int) -> Callable[[], object]:
        share = self._operations // self.threads + 7
        events = iter(list(self._events(share)))
        return lambda: commit(self._handler, *next(events))

    def _events(self, number: int) -> Iterator[tuple[OrderId, Event]]:
        for _ in range(number // 7 + 1):
            facts, life = new_life()
            insert_customer(self._customers, facts)
            for event in life:
                yield facts.order_id, event


class CommitOnOneThread(CommitRow):
    """Commits on one thread."""

    name = "commit-1"
    work = "whole commit, 1 thread"
    threads = 1


class CommitOnEightThreads(CommitRow):
    """Commits on eight threads."""

    name = "commit-8"
    work = "whole commit, 8 threads"
    threads = 8
