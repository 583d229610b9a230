"""A rolling upgrade: the version before the newest migration and this one run side by side on the newest schema."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import socket
from uuid import UUID

import httpx2
import psycopg
import pytest

from domain.model.lifecycle import State
from domain.model.order import Order
from domain.model.values import OrderId
from entrypoints.bootstrap.books import open_books
from entrypoints.cli.customer import Customer
from entrypoints.cli.local import LOCAL
from entrypoints.settings import DatabaseSettings
from sandbox.ports import HOST, listening_socket
from sandbox.processes import Process
from sandbox.world import Sandbox
from tests.journeys.neighbours import ROOT, unpack_neighbour
from tests.waiting import eventually

READY_SECONDS = 60.0


class TwoVersions:
    """The sandbox, one address for the API of either version, and the code of both."""

    def __init__(
        self, folder: Path, old_code: Path, revisions: tuple[str, str], listener: socket, sandbox: Sandbox
    ) -> None:
        self.url = f"http://{HOST}:{listener.getsockname()[1]}"
        self.revisions = revisions
        self._folder = folder
        self._code = {"old": old_code, "new": ROOT}
        self._listener = listener
        self._sandbox = sandbox
        self._environment = {**os.environ, **LOCAL, **sandbox.environment}

    def upgrade(self, version: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "entrypoints.cli", "db", "upgrade"],
            cwd=self._code[version],
            env=self._environment_of(version),
            check=True,
        )

    def revision(self) -> str:
        """Where the schema is now."""
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

    def deliver(self, photo: Path) -> Order:
        """Buy a restored photo and wait until it came by mail; gives the order."""
        address = self._sandbox.addresses["sendgrid"]
        with Customer(self.url, address, email=f"{os.urandom(4).hex()}@customer.example") as customer:
            customer.open_session()
            customer.send(photo, photo.name)
            customer.pay(customer.ask_for_checkout()["url"])
            order_id = OrderId(UUID(eventually(customer.order_id, "the order")))
            order = eventually(lambda: self._completed(order_id), "the completed order")
            link = next(found for mail in customer.mails() if (found := customer.link_in(mail)))
            with customer.fetching(link) as chunks:
                assert next(chunks).startswith(b"PK")
            return order

    def _completed(self, order_id: OrderId) -> Order | None:
        settings = DatabaseSettings.model_validate({"database_url": self._environment["DATABASE_URL"]})
        with open_books(settings) as books, books.transaction() as transaction:
            order = transaction.log.load(order_id)
        return order if order.state is State.COMPLETED else None

    def _environment_of(self, version: str) -> dict[str, str]:
        return {**self._environment, "PYTHONPATH": str(self._code[version])}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[TwoVersions]:
    old_code = tmp_path / "old"
    revisions = unpack_neighbour(old_code)
    with ExitStack() as stack:
        listener = stack.enter_context(listening_socket())
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        sandbox = stack.enter_context(Sandbox(tmp_path / "data", url))
        yield TwoVersions(tmp_path, old_code, revisions, listener, sandbox)


@pytest.mark.timeout(300)
def test_each_version_works_what_the_other_has_taken_while_an_upgrade_rolls(shop: TwoVersions) -> None:
    photo = Path(__file__).parent / "harvest-1926.jpg"
    before, now = shop.revisions
    shop.upgrade("old")
    assert shop.revision() == before
    with shop.running("old", "serve"):
        shop.upgrade("new")
        assert shop.revision() == now
        assert httpx2.get(f"{shop.url}/health/ready").json()["status"] == "ok"
        with shop.running("new", "worker"):
            shop.deliver(photo)
    # A process of the old version that dies meanwhile can be started again.
    with shop.running("new", "serve"), shop.running("old", "worker"):
        shop.deliver(photo)
