"""A shop by `compose.yaml` with full disks, or a stopped storage."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
import yaml

from sandbox.demo.http_customer import Customer, ShopAnswerError
from tests.containers.composed_shop import BASE_FILE, ComposedShop, composed_shop
from tests.containers.engine import Engine
from tests.containers.photo_order import COMPLETED_SECONDS, PHOTO, completed
from tests.waiting import eventually

READY_SECONDS = 180.0
LASTING = ("database", "broker", "storage", "api", "worker")
#: For PostgreSQL with two further files of its log; the storage needs less.
DISK_SIZES = {"database": "128m", "storage": "64m"}
#: As long as the shop waits to repeat what it could not do, and Docker to start a container again.
GOES_ON_SECONDS = 150.0


class Disk:
    """A disk of its own for one volume."""

    def __init__(self, folder: Path) -> None:
        self._filling = folder / "filling"

    def _fill(self) -> None:
        with self._filling.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    @contextmanager
    def full(self) -> Iterator[None]:
        """Leave no free space on it while the block runs."""
        with self.freed():
            with pytest.raises(OSError, match="No space left"):
                self._fill()
            yield

    @contextmanager
    def freed(self) -> Iterator[None]:
        """Have free space after the block, whatever filled the disk in it."""
        try:
            yield
        finally:
            self._filling.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def disks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Small disks, by the volumes that they are for."""
    with ExitStack() as mounted:
        found = {}
        for volume, size in DISK_SIZES.items():
            found[volume] = tmp_path_factory.mktemp(volume)
            subprocess.run(  # noqa: S603 -- our own words
                ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", found[volume]],  # noqa: S607
                check=True,
            )
            mounted.callback(lambda disk: subprocess.run(["umount", disk], check=True), found[volume])  # noqa: S603, S607
        yield found


@pytest.fixture(scope="module")
def shop(
    engine: Engine, disks: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ComposedShop]:
    """A shop on these disks."""
    folder = tmp_path_factory.mktemp("shop")
    with composed_shop(engine, folder) as composed:
        document = yaml.safe_load((folder / BASE_FILE).read_text())
        for volume, disk in disks.items():
            options = {"type": "none", "o": "bind", "device": str(disk)}
            document["volumes"][volume] = {"driver": "local", "driver_opts": options}
        (folder / BASE_FILE).write_text(yaml.safe_dump(document))
        composed.required("up", "--detach", "--no-build")
        eventually(
            lambda: all(map(composed.is_healthy, LASTING)), "healthy services", within_seconds=READY_SECONDS
        )
        yield composed


@pytest.fixture
def customer(shop: ComposedShop) -> Iterator[Customer]:
    """A visitor with a photo in a session."""
    email = f"{uuid4().hex}@customer.example"
    with Customer(shop.url, shop.twins["sendgrid"], email=email) as visitor:
        visitor.open_session()
        assert visitor.send(PHOTO, "harvest.jpg")
        yield visitor


def in_shop(shop: ComposedShop, *words: str) -> subprocess.CompletedProcess[str]:
    return shop.run_in("worker", "restoreclick", *words)


def is_delivered(shop: ComposedShop, customer: Customer) -> None:
    """Wait until the customer's paid photo is."""

    def found() -> str | None:
        with suppress(ShopAnswerError):  # as long as the server is off
            return customer.order_id()
        return None

    order_id = eventually(found, "the order", within_seconds=GOES_ON_SECONDS, every_seconds=1)
    listing = ("orders", "list", "--json")
    completed(order_id, lambda: in_shop(shop, *listing).stdout, within_seconds=COMPLETED_SECONDS)


def agrees_with_providers(shop: ComposedShop) -> None:
    """Nothing is missing in the log, and nothing differs."""
    for words in (("events", "verify"), ("reconcile", "--since", "1d")):
        ended = in_shop(shop, *words)
        assert ended.returncode == 0, ended.stdout + ended.stderr


def refusals_of_payments(shop: ComposedShop) -> int:
    """How often the shop answered Stripe with 503."""
    ledger = httpx2.get(f"{shop.twins['stripe']}/_twin/ledger", timeout=10, trust_env=False).json()
    attempts = [attempt for each in ledger["webhooks"] for attempt in each["attempts"]]
    return sum(attempt["status"] == httpx2.codes.SERVICE_UNAVAILABLE for attempt in attempts)


def is_refused_for_now(customer: Customer) -> bool:
    """Whether a photo is answered with 503."""
    try:
        customer.open_session()
        customer.send(PHOTO, "harvest.jpg")
    except ShopAnswerError as refused:
        return refused.status == httpx2.codes.SERVICE_UNAVAILABLE
    return False


def fill_with_the_server_s_log(shop: ComposedShop) -> None:
    """Have PostgreSQL write its own log on a full disk, and end.

    The disk is full only after the session has begun.
    """
    message = "SELECT pg_logical_emit_message(false, 'filling', repeat('x', 1000000))"
    steps = (
        "SELECT 'connected'",
        "\\! dd if=/dev/zero of=/var/lib/postgresql/filling bs=4k",
        *([message] * 40),
    )
    psql = ("psql", "--username=restoreclick", "--quiet")
    ended = shop.run_in("database", *psql, *(f"--command={each}" for each in steps))
    assert "connected" in ended.stdout
    assert ended.returncode != 0, "the log found free space"


def test_a_payment_on_a_full_database_disk_is_recorded_when_space_is_free(
    shop: ComposedShop, disks: dict[str, Path], customer: Customer
) -> None:
    page = customer.ask_for_checkout()["url"]
    before = refusals_of_payments(shop)
    with Disk(disks["database"]).full():
        with Customer(shop.url, shop.twins["sendgrid"]) as visitor:
            eventually(lambda: is_refused_for_now(visitor), "a refused photo")
        customer.pay(page)
        eventually(lambda: refusals_of_payments(shop) > before, "a webhook that is refused")
        assert customer.order_id() is None
        status = in_shop(shop, "status")
        assert status.returncode == 2
        assert "disk is full" in status.stdout or "No space left" in status.stdout, status.stdout
    is_delivered(shop, customer)
    agrees_with_providers(shop)


def test_a_server_that_ended_on_its_full_disk_goes_on_by_itself(
    shop: ComposedShop, disks: dict[str, Path], customer: Customer
) -> None:
    page = customer.ask_for_checkout()["url"]
    starts = shop.inspect("database")["RestartCount"]
    with Disk(disks["database"]).freed():
        fill_with_the_server_s_log(shop)
        eventually(
            lambda: shop.inspect("database")["RestartCount"] > starts,
            "a server that is started again",
            within_seconds=READY_SECONDS,
        )
        customer.press(page, "pay")
    is_delivered(shop, customer)
    agrees_with_providers(shop)


def test_on_a_full_storage_disk_uploads_are_refused_and_status_says_so(
    shop: ComposedShop, disks: dict[str, Path], customer: Customer
) -> None:
    page = customer.ask_for_checkout()["url"]
    with Customer(shop.url, shop.twins["sendgrid"], email=f"{uuid4().hex}@customer.example") as earlier:
        earlier.open_session()
        earlier.send(PHOTO, "harvest.jpg")
        earlier.pay(earlier.ask_for_checkout()["url"])
        is_delivered(shop, earlier)
        link = eventually(lambda: earlier.link_in(earlier.mails()[-1]), "the mail with its link")
    with Disk(disks["storage"]).full(), Customer(shop.url, shop.twins["sendgrid"]) as visitor:
        eventually(lambda: is_refused_for_now(visitor), "a refused photo")
        customer.pay(page)
        assert eventually(customer.order_id, "the order")
        status = in_shop(shop, "status", "--json")
        assert status.returncode == 2
        conditions = json.loads(status.stdout)["conditions"]
        assert "storage_unavailable" in {each["condition"] for each in conditions}
        report = json.loads(in_shop(shop, "doctor", "--json").stdout)
        assert "storage" in {each["subject"] for each in report["findings"]}
        with customer.fetching(link) as chunks:
            assert b"".join(chunks), "what is there is still delivered"
    is_delivered(shop, customer)
    agrees_with_providers(shop)


def test_an_order_goes_on_when_a_stopped_storage_is_back(shop: ComposedShop, customer: Customer) -> None:
    page = customer.ask_for_checkout()["url"]
    shop.required("stop", "storage")
    customer.pay(page)
    assert eventually(customer.order_id, "the order")
    shop.required("start", "storage")
    is_delivered(shop, customer)
    agrees_with_providers(shop)
