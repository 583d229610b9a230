"""Two versions of the shop on one sandbox."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from socket import socket
from typing import LiteralString
from uuid import UUID

import psycopg

from adapters.postgres.log_archive import move
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order.states import State
from domain.order.values import OrderId
from sandbox.demo.http_customer import Customer
from sandbox.demo.local_shop import LOCAL
from sandbox.environment import Sandbox
from sandbox.ports import HOST, listening_socket
from sandbox.processes import Process
from tests.journeys.previous_version import ROOT
from tests.waiting import eventually

READY_SECONDS = 60.0


class TwoVersions:
    """The sandbox, one API address for both versions, and their code."""

    def __init__(
        self, folder: Path, old_code: Path, revisions: tuple[str, str], listener: socket, sandbox: Sandbox
    ) -> None:
        self.url = f"http://{HOST}:{listener.getsockname()[1]}"
        self.revisions = revisions
        self._folder = folder
        self._code = {"old": old_code, "new": ROOT}
        self._listener = listener
        self._sandbox = sandbox
        # A previous version that does not know LINK_SIGNING_KEY signs with the other key.
        key = {"LINK_SIGNING_KEY": sandbox.environment["WORKER_SECRET_KEY"]}
        self._environment = {**os.environ, **LOCAL, **sandbox.environment, **key}

    def upgrade(self, version: str) -> None:
        """Upgrade the schema to the newest revision of a version."""
        self.command(version, "db", "upgrade")

    def command(self, version: str, *words: str) -> str:
        """Run a command of a version; return what it printed."""
        ended = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "entrypoints.cli", *words],
            cwd=self._code[version],
            env=self._environment_of(version),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return ended.stdout

    def revision(self) -> str:
        """The present revision of the schema."""
        with psycopg.connect(self._environment["DATABASE_URL"]) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        assert row is not None
        return str(row[0])

    @contextmanager
    def running(self, version: str, command: str) -> Iterator[Process]:
        """The API or a worker of a version, once it is ready."""
        argv: list[str | Path] = [sys.executable, "-m", "entrypoints.cli", command]
        fds = []
        if command == "serve":
            fds = [self._listener.fileno()]
            argv += ["--fd", str(fds[0])]
        with Process.start(
            f"The {version} {command}",
            argv,
            log=self._folder / f"{version}-{command}.log",
            env=self._environment_of(version),
            cwd=self._code[version],
            pass_fds=fds,
        ) as process:
            process.wait_for_line('{"listening"' if fds else '{"worker"', READY_SECONDS)
            yield process

    @contextmanager
    def buying(self, photo: Path) -> Iterator[tuple[Customer, OrderId]]:
        """A customer who has paid for a photo, and their order."""
        address = self._sandbox.addresses["sendgrid"]
        with Customer(self.url, address, email=f"{os.urandom(4).hex()}@customer.example") as customer:
            customer.open_session()
            customer.send(photo, photo.name)
            customer.pay(customer.ask_for_checkout()["url"])
            yield customer, OrderId(UUID(eventually(customer.order_id, "the order")))

    def assert_delivered(self, customer: Customer, order_id: OrderId) -> None:
        """Wait for the mail with the restored photo, and download it."""
        self.assert_completed(order_id)
        link = next(found for mail in customer.mails() if (found := customer.link_in(mail)))
        with customer.fetching(link) as chunks:
            assert next(chunks).startswith(b"PK")

    def assert_completed(self, order_id: OrderId) -> None:
        """Wait until the order is complete."""
        eventually(lambda: self._completed(order_id), "the completed order")

    def state(self, order_id: OrderId) -> State:
        """An order's state; the schema may be an earlier one."""
        return State(self._value("SELECT state FROM orders WHERE order_id = %s", order_id))

    def events(self, order_id: OrderId) -> int:
        """How many events an order has."""
        return int(self._value("SELECT count(*) FROM events WHERE order_id = %s", order_id))

    def live_events(self, order_id: OrderId) -> int:
        """How many events of an order are not archived."""
        return int(self._value("SELECT count(*) FROM ONLY events WHERE order_id = %s", order_id))

    def archive(self, order_id: OrderId) -> None:
        """Archive an order's events with this version's code, before its time."""
        url = self._environment["DATABASE_URL"]
        with (
            closing(PostgresUnitOfWork(url, connections=1)) as unit_of_work,
            unit_of_work.transaction() as transaction,
        ):
            transaction.event_store.lock(order_id)
            move(transaction.event_store.connection, [order_id])

    def attempts(self, order_id: OrderId) -> list[int]:
        """How often each reaction of an order was claimed."""
        with psycopg.connect(self._environment["DATABASE_URL"]) as connection:
            rows = connection.execute("SELECT attempts FROM reactions WHERE order_id = %s", [order_id])
            return [attempts for (attempts,) in rows]

    def old_can_read(self, order_id: OrderId) -> bool:
        """Whether the older version knows every event of an order."""
        with psycopg.connect(self._environment["DATABASE_URL"]) as connection:
            rows = connection.execute("SELECT name FROM events WHERE order_id = %s", [order_id])
            stored = {name for (name,) in rows}
        # The older version may be from before the module was renamed.
        script = (
            "try:\n    from adapters.postgres.event_codec import NAMES\n"
            "except ModuleNotFoundError:\n    from adapters.postgres.codec import NAMES\n"
            "print(*(f'{n}.v{v}' for n, v in NAMES.values()))"
        )
        known = subprocess.run(  # noqa: S603
            [sys.executable, "-c", script],
            cwd=self._code["old"],
            env=self._environment_of("old"),
            capture_output=True,
            text=True,
            check=True,
        )
        return stored <= set(known.stdout.split())

    def _completed(self, order_id: OrderId) -> bool:
        return self.state(order_id) is State.COMPLETED

    def _value(self, query: LiteralString, order_id: OrderId) -> str:
        with psycopg.connect(self._environment["DATABASE_URL"]) as connection:
            row = connection.execute(query, [order_id]).fetchone()
        assert row is not None
        return str(row[0])

    def _environment_of(self, version: str) -> dict[str, str]:
        return {**self._environment, "PYTHONPATH": str(self._code[version])}


@contextmanager
def open_versions(folder: Path, old_code: Path, revisions: tuple[str, str]) -> Iterator[TwoVersions]:
    """A sandbox for two versions, without a schema."""
    with ExitStack() as stack:
        listener = stack.enter_context(listening_socket())
        sandbox = stack.enter_context(Sandbox(folder / "data", f"http://{HOST}:{listener.getsockname()[1]}"))
        yield TwoVersions(folder, old_code, revisions, listener, sandbox)
