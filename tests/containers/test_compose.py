"""A shop by `compose.yaml`, in a Docker engine."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.containers.composed_shop import ComposedShop, composed_shop
from tests.containers.engine import Engine
from tests.containers.photo_order import order_photo
from tests.waiting import eventually

READY_SECONDS = 180.0
SERVERS = ("database", "broker", "storage")
LASTING = (*SERVERS, "api", "worker")
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3)"


@pytest.fixture(scope="module")
def shop(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposedShop]:
    """The shop after `up`, as docs/installation.md says."""
    with composed_shop(engine, tmp_path_factory.mktemp("shop")) as composed:
        composed.required("up", "--detach", "--no-build")
        eventually(
            lambda: all(map(composed.is_healthy, LASTING)), "healthy services", within_seconds=READY_SECONDS
        )
        yield composed


def order(shop: ComposedShop) -> None:
    """Buy a restored photo; the command in the worker lists the orders."""
    listing = ("restoreclick", "orders", "list", "--json")
    order_photo(shop.url, shop.twins["sendgrid"], lambda: shop.run_in("worker", *listing).stdout)


def test_an_order_is_delivered(shop: ComposedShop) -> None:
    order(shop)


def test_the_schema_and_the_bucket_are_made_before_the_shop_starts(shop: ComposedShop) -> None:
    for task in ("migrate", "bucket"):
        assert shop.inspect(task)["State"]["ExitCode"] == 0
        assert shop.inspect(task)["RestartCount"] == 0
        assert shop.inspect(task)["State"]["FinishedAt"] < shop.inspect("api")["State"]["StartedAt"]
    assert httpx2.get(f"{shop.url}/health/ready", timeout=10).json()["status"] == "ok"


@pytest.mark.parametrize("service", LASTING)
def test_each_container_is_read_only_and_bounded(shop: ComposedShop, service: str) -> None:
    host = shop.inspect(service)["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["Memory"] > 0
    assert host["PidsLimit"] == 512
    assert shop.run_in(service, "touch", "/written").returncode != 0


@pytest.mark.parametrize(
    ("service", "address", "port", "is_let_in"),
    [
        ("api", "database", 5432, True),
        ("api", "broker", 6379, True),
        ("worker", "storage", 8333, True),
        ("worker", "storage", 8888, False),
        ("worker", "storage", 9333, False),
        ("worker", "storage", 8080, False),
        ("storage", "database", 5432, False),
        ("database", "storage", 8333, False),
        ("broker", "database", 5432, False),
    ],
)
def test_each_service_reaches_what_it_needs_and_nothing_else(
    shop: ComposedShop, service: str, address: str, port: int, *, is_let_in: bool
) -> None:
    ended = shop.run_in(service, "python", "-c", CONNECT, address, str(port))
    assert (ended.returncode == 0) is is_let_in, ended.stderr


@pytest.mark.parametrize("service", SERVERS)
def test_no_server_reaches_the_outside(shop: ComposedShop, service: str) -> None:
    (outside,) = (
        each["IPAddress"]
        for name, each in shop.inspect("api")["NetworkSettings"]["Networks"].items()
        if name == shop.outside
    )
    words = ("python", "-c", CONNECT, outside, "8000")
    assert shop.run_in("worker", *words).returncode == 0
    assert shop.run_in(service, *words).returncode != 0


@pytest.mark.parametrize("service", ["worker", "api"])
def test_a_killed_process_comes_back_and_orders_go_on(shop: ComposedShop, service: str) -> None:
    before = shop.inspect(service)
    os.kill(before["State"]["Pid"], signal.SIGKILL)
    eventually(
        lambda: (
            shop.inspect(service)["State"]["StartedAt"] != before["State"]["StartedAt"]
            and shop.is_healthy(service)
        ),
        f"the {service} after its end",
        within_seconds=READY_SECONDS,
    )
    order(shop)


def test_the_database_ends_cleanly_while_the_shop_is_connected(shop: ComposedShop) -> None:
    shop.required("stop", "database")
    assert shop.inspect("database")["State"]["ExitCode"] == 0, "it was killed"
    shop.required("start", "database")
    ready = f"{shop.url}/health/ready"
    eventually(lambda: httpx2.get(ready, timeout=10).json()["status"] == "ok", "the shop that works again")
    order(shop)


def test_the_documented_commands_before_an_upgrade_work(shop: ComposedShop) -> None:
    checked = shop.required("run", "--rm", "--no-deps", "migrate", "upgrade", "--check")
    assert "The schema is at " in checked
    dumped = shop.compose(
        *("exec", "-T", "database", "pg_dump", "--username=restoreclick", "--format=plain", "restoreclick")
    )
    assert "CREATE TABLE public.events" in dumped.stdout


def test_doctor_finds_nothing_wrong_with_what_compose_starts(shop: ComposedShop) -> None:
    report = json.loads(shop.run_in("worker", "restoreclick", "doctor", "--json").stdout)
    examined = {
        "settings",
        "versions",
        "machine",
        "clocks",
        "database",
        "redis",
        "storage",
        "stripe",
        "replicate",
    }
    assert examined <= set(report["subjects"])
    assert [each for each in report["findings"] if each["subject"] in examined] == []


def test_further_workers_share_the_work(shop: ComposedShop) -> None:
    shop.required("up", "--detach", "--no-build", "--scale", "worker=2")
    order(shop)
    shop.required("up", "--detach", "--no-build", "--scale", "worker=1")


def test_further_apis_have_a_port_each(shop: ComposedShop) -> None:
    first = urlsplit(shop.url).port or 0
    shop.configure(PUBLISH_PORT=f"{first}-{first + 1}")
    shop.required("up", "--detach", "--no-build", "--scale", "api=2")

    def ready(port: int) -> bool:
        with suppress(httpx2.TransportError):
            return httpx2.get(f"http://127.0.0.1:{port}/health/ready", timeout=10).is_success
        return False

    for port in (first, first + 1):
        eventually(lambda port=port: ready(port), f"the API on {port}", within_seconds=READY_SECONDS)  # type: ignore[misc]
    order(shop)
    shop.configure()
    shop.required("up", "--detach", "--no-build", "--scale", "api=1")
    eventually(lambda: ready(first), "the API alone", within_seconds=READY_SECONDS)


def test_the_proxy_reaches_the_api_and_prometheus_its_processes(shop: ComposedShop) -> None:
    shop.required("--profile", "proxy", "--profile", "monitoring", "up", "--detach", "--no-build")
    for service in ("proxy", "prometheus"):
        eventually(lambda service=service: shop.is_healthy(service), service, within_seconds=READY_SECONDS)  # type: ignore[misc]

    def scraped() -> set[str]:
        targets = httpx2.get(f"{shop.prometheus_url}/api/v1/targets", timeout=10).json()["data"][
            "activeTargets"
        ]
        return {each["labels"].get("component") for each in targets if each["health"] == "up"}

    eventually(
        lambda: {"api", "worker"} <= scraped(),
        "both jobs up",
        within_seconds=READY_SECONDS,
    )

    def missing() -> list[str]:
        alerts = httpx2.get(f"{shop.prometheus_url}/api/v1/alerts", timeout=10).json()["data"]["alerts"]
        labels = [each["labels"] for each in alerts]
        return [each["component"] for each in labels if each["alertname"] == "ShopServiceMissing"]

    eventually(lambda: missing() == [], "no alert", within_seconds=READY_SECONDS)
    shop.required("stop", "worker")
    eventually(lambda: missing() == ["worker"], "the alert about the worker", within_seconds=READY_SECONDS)
    shop.required("start", "worker")


def test_a_backup_is_made_and_restored_in_a_drill(shop: ComposedShop) -> None:
    shop.required("up", "--detach", "--no-build", with_backups=True)
    eventually(lambda: shop.is_healthy("worker"), "the worker", within_seconds=READY_SECONDS)
    shop.run_in("worker", "restoreclick", "doctor", "--fix")
    order(shop)
    made = shop.required("run", "--rm", "--no-deps", "worker", "backup", with_backups=True)
    assert made
    drilled = shop.compose(
        "exec", "-T", "worker", "restoreclick", "restore", "--drill", "--json", with_backups=True
    )
    assert drilled.returncode == 0, drilled.stdout + drilled.stderr


def test_a_lost_database_comes_back_by_the_documented_steps(shop: ComposedShop) -> None:
    order(shop)
    shop.required("stop", "api", "worker", "database", with_backups=True)
    shop.required("rm", "--force", "database", with_backups=True)
    shop.remove_volume("database")
    shop.required("run", "--rm", "restore", with_backups=True)
    shop.required("up", "--detach", "--no-build", "--no-deps", "database", with_backups=True)
    eventually(lambda: shop.is_healthy("database"), "the database", within_seconds=READY_SECONDS)
    shop.required(
        *("run", "--rm", "--no-deps", "worker", "db", "restored", "--even-if-current"), with_backups=True
    )
    shop.required("up", "--detach", "--no-build", with_backups=True)
    eventually(lambda: shop.is_healthy("api"), "the shop", within_seconds=READY_SECONDS)
    verified = shop.compose("exec", "-T", "worker", "restoreclick", "events", "verify", with_backups=True)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    order(shop)
