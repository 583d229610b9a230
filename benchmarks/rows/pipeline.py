"""Whole orders through two workers whose providers answer at once."""

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from typing import ClassVar
from unittest.mock import patch

import psycopg

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from benchmarks.goals import times, value
from benchmarks.instant_shop import FOLDER, PICTURE, open_instant_container
from benchmarks.limits.inserts import Inserts, writing_transactions
from benchmarks.measure import Row, Sample, rate
from benchmarks.no_op_shop import REACTIONS_AN_ORDER
from benchmarks.peers import Peer
from benchmarks.peers.dbos_peer import STEPS
from benchmarks.stripe_webhooks import payment_of, quoted_sessions
from benchmarks.threads import in_threads
from benchmarks.visitors import wait_until
from domain.order.values import Sha256
from entrypoints.settings import read_settings

WORKERS = 2
#: Threads of each process that inserts for the limit; as many as the peers have.
THREADS = 8
#: How many orders are placed at the same time.
CUSTOMERS = 4
#: A round takes about so many seconds, whatever the shop's speed.
ROUND_SECONDS = 5
#: Between two looks whether all are complete, which cost CPU time of both sides.
LOOK_SECONDS = 0.05
WARM_UP_ORDERS = 20
MOST_ORDERS = 1000


class Pipeline(Row):
    """Orders from payment to completion, placed by the measuring process."""

    rounds = 3
    needs_shop = True
    #: The module that runs a worker.
    worker: ClassVar[str]

    def open(self, resources: ExitStack) -> None:
        """Start two workers, and the peers with two processes each."""
        url = self.servers.database()
        folder = self.servers.folder / "instant"
        folder.mkdir(exist_ok=True)
        self.servers.empty_queue()
        resources.enter_context(
            patch.dict(os.environ, {**self.servers.settings_of(url), FOLDER: str(folder)})
        )
        self._container = resources.enter_context(open_instant_container(read_settings()))
        self._unit_of_work = resources.enter_context(closing(PostgresUnitOfWork(url, connections=1)))
        self._database = resources.enter_context(psycopg.connect(url, autocommit=True))
        self._workers = [
            self.servers.start_program(resources, self.worker, database_url=url) for _ in range(WORKERS)
        ]
        self._inserts = Inserts(resources, url, WORKERS * THREADS)
        self._dbos = resources.enter_context(Peer("dbos", self.servers.empty_database(), processes=WORKERS))
        self._meter = self.servers.meter(
            {"worker": [worker.pid for worker in self._workers], "Valkey": [self.servers.pid_of("Valkey")]},
            with_client=True,
        )
        self._number = CUSTOMERS
        if not self.quick:
            warm = self._live(WARM_UP_ORDERS)
            self._number = min(max(round(warm.value * ROUND_SECONDS), WARM_UP_ORDERS), MOST_ORDERS)
        self._workflows = self.size(200, 4)

    def ours(self) -> Sample:
        """Place orders and wait until all are complete."""
        return self._live(self._number)

    def _live(self, number: int) -> Sample:
        payments = iter(
            [payment_of(each) for each in quoted_sessions(self._unit_of_work, number, content=PICTURE)]
        )
        wanted = self._count("orders WHERE state = 'completed'") + number
        reactions, commits = (
            self._count("reactions WHERE status = 'done'"),
            writing_transactions(self._database),
        )

        def place(_: int) -> Callable[[], object]:
            return lambda: self._container.payment_webhook.handle(next(payments), Sha256("0" * 64))

        def live() -> None:
            in_threads(CUSTOMERS, number, place)()
            wait_until(
                lambda: self._count("orders WHERE state = 'completed'") >= wanted, every_seconds=LOOK_SECONDS
            )

        sample = rate(number, self._meter, live)
        facts = {
            "reactions an order": (self._count("reactions WHERE status = 'done'") - reactions) / number,
            "transactions an order": (writing_transactions(self._database) - commits) / number,
        }
        return Sample(value=sample.value, cpu_ms=sample.cpu_ms, facts=facts)

    def _count(self, what: str) -> int:
        return int(self._database.execute(f"SELECT count(*) FROM {what}".encode()).fetchall()[0][0])


class Throughput(Pipeline):
    """Whole orders a second."""

    name = "throughput"
    work = "orders a second, two workers, no-op providers in process"
    unit = "orders/s"
    goals = (value("orders/s", at_least=150), times("dbos", 4))
    notes = (
        "Limit: as many committed INSERTs of 400 bytes as our orders have writing transactions, on sixteen "
        "connections. DBOS: workflows of four steps that do nothing. Ours places orders in the measuring process, "
        "renders both mails and packs the archive; pictures are not decoded."
    )
    worker = "benchmarks.instant_shop"

    def limit(self) -> Sample:
        """Insert a row for each transaction of an order."""
        inserts = round(self._live(CUSTOMERS).facts["transactions an order"])
        sample = self._inserts.rate(self._number * inserts, self.servers.meter(with_client=True))
        cpu_ms = {name: ms * inserts for name, ms in sample.cpu_ms.items()}
        return Sample(value=sample.value / inserts, cpu_ms=cpu_ms)

    def peers(self) -> Mapping[str, Callable[[], Sample]]:
        """Run as many workflows of four steps."""
        return {"dbos": lambda: self._dbos.rate("order", self._workflows, self.servers)}


class Reactions(Pipeline):
    """Reactions whose handlers do nothing but return their result."""

    name = "reactions"
    work = "durable reactions a second, whose handlers do nothing"
    unit = "reactions/s"
    goals = (times("dbos", 3), times("procrastinate", 1))
    notes = (
        f"Two production workers with handlers that only return their result; an order has {REACTIONS_AN_ORDER} such "
        "reactions: photos moved, photo restored (start and end), archive prepared, two mails. Each is claimed with "
        "its order, decided on, and recorded with its events, read models and follow-ups, which ends its lease; the "
        "queue, log lines and periodic tasks are production's. The payments that begin the orders are recorded "
        "meanwhile by the measuring process (client), and belong to the figure. Limit: a committed INSERT of 400 bytes "
        "for each reaction, on sixteen connections. DBOS: steps, four a workflow, whose start and end belong to the "
        "figure. procrastinate: jobs that were stored before the clock starts."
    )
    worker = "benchmarks.no_op_shop"

    def open(self, resources: ExitStack) -> None:
        """Start the second peer, too."""
        super().open(resources)
        self._procrastinate = resources.enter_context(
            Peer("procrastinate", self.servers.empty_database(), processes=WORKERS)
        )

    def ours(self) -> Sample:
        """Place orders, and count the reactions until they are complete."""
        return self._each(self._live(self._number), "reactions an order")

    def limit(self) -> Sample:
        """Insert a row for each reaction."""
        return self._inserts.rate(self._number * REACTIONS_AN_ORDER, self.servers.meter(with_client=True))

    def peers(self) -> Mapping[str, Callable[[], Sample]]:
        """Count DBOS's steps and procrastinate's jobs."""
        return {"dbos": self._steps, "procrastinate": self._jobs}

    def _steps(self) -> Sample:
        sample = self._dbos.rate("order", self._workflows, self.servers)
        return self._each(Sample(value=sample.value, cpu_ms=sample.cpu_ms, facts={"steps": STEPS}), "steps")

    def _jobs(self) -> Sample:
        number = self.size(1200, 16)
        self._procrastinate.ask("defer", number)
        return self._procrastinate.rate("work", number, self.servers)

    @staticmethod
    def _each(sample: Sample, counted: str) -> Sample:
        """Return the figures of one of the parts of an order."""
        parts = sample.facts[counted]
        cpu_ms = {name: ms / parts for name, ms in sample.cpu_ms.items()}
        return Sample(value=sample.value * parts, cpu_ms=cpu_ms, facts={counted: parts})
