"""Hanging or read-only servers cost the shop seconds once; it recovers itself."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
import redis

from tests.journeys.outcomes import completes_with_two_mails
from tests.journeys.running_shop import RunningShop
from tests.silence import stopped
from tests.waiting import eventually

#: Far below any of the shop's time-outs.
AT_ONCE_SECONDS = 2


@pytest.fixture
def client(running_shop: RunningShop) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=running_shop.shop.url, timeout=40) as client:
        yield client


@contextmanager
def hanging(running_shop: RunningShop, server: str) -> Iterator[None]:
    with stopped(running_shop.shop.processes[server].pid):
        yield


def readiness(client: httpx2.Client) -> dict[str, Any]:
    answer: dict[str, Any] = client.get("/health/ready").json()
    return answer


def is_ready(client: httpx2.Client) -> bool:
    return readiness(client).get("status") == "ok"


def refused_after(client: httpx2.Client, method: str, path: str) -> float:
    """How long a request takes that has to be refused, in seconds."""
    began = time.monotonic()
    answer = client.request(method, path, content=b"a photo")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    return time.monotonic() - began


def test_orders_are_delivered_while_redis_refuses_writes(
    running_shop: RunningShop, client: httpx2.Client, photo: Path
) -> None:
    with redis.Redis.from_url(running_shop.shop.environment["REDIS_URL"]) as server:
        server.config_set("maxmemory", 1)
        try:
            degraded = readiness(client)
            customer, order_id = running_shop.buy(photo, photo)
            completes_with_two_mails(running_shop, customer, order_id)
        finally:
            server.config_set("maxmemory", 0)
    assert (degraded["status"], degraded["checks"]["database"]) == ("degraded", "ok")
    assert "it refuses writes" in degraded["checks"]["queue"]
    eventually(lambda: is_ready(client), "a shop that is ready")


@pytest.mark.slow
def test_orders_are_delivered_while_redis_hangs(
    running_shop: RunningShop, client: httpx2.Client, photo: Path
) -> None:
    with hanging(running_shop, "Valkey"):
        customer, order_id = running_shop.buy(photo, photo)
        completes_with_two_mails(running_shop, customer, order_id)
        assert readiness(client)["status"] == "degraded"
    eventually(lambda: is_ready(client), "a shop that is ready")


@pytest.mark.slow
def test_a_database_that_hangs_is_waited_for_once(
    running_shop: RunningShop, client: httpx2.Client, photo: Path
) -> None:
    with hanging(running_shop, "PostgreSQL"):
        assert client.post("/api/uploads").status_code == 503
        # Every few seconds one call is let through as a probe and waits.
        waits = sorted(refused_after(client, "POST", "/api/uploads") for _ in range(3))
        assert waits[1] < AT_ONCE_SECONDS
        began = time.monotonic()
        assert client.get("/health/ready").status_code == 503
        assert time.monotonic() - began < 8
    eventually(lambda: is_ready(client), "a shop that is ready")
    customer, order_id = running_shop.buy(photo, photo)
    completes_with_two_mails(running_shop, customer, order_id)


def test_a_database_that_only_reads_is_an_outage_until_it_takes_writes_again(
    running_shop: RunningShop, client: httpx2.Client, photo: Path
) -> None:
    """A failover left every connection on a read-only server.

    Nothing has to be restarted afterwards.
    """
    eventually(lambda: is_ready(client), "a shop that is ready")
    alter_database(running_shop, "SET default_transaction_read_only = on")
    try:
        for _ in ("a connection that was cut", "a new one"):
            refused = client.post("/api/uploads")
            assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
        eventually(lambda: "it only reads" in readiness(client)["checks"]["database"], "the cause")
        assert client.get("/health/ready").status_code == 503
    finally:
        alter_database(running_shop, "RESET default_transaction_read_only")
    eventually(lambda: is_ready(client), "a shop that is ready")
    assert client.post("/api/uploads").status_code == 201
    with RunningShop(running_shop.shop) as fresh:
        customer, order_id = fresh.buy(photo, photo)
        completes_with_two_mails(fresh, customer, order_id)


def alter_database(running_shop: RunningShop, change: str) -> None:
    """Change the defaults of new sessions, and end the existing ones."""
    with psycopg.connect(running_shop.shop.environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(f'ALTER DATABASE "{connection.info.dbname}" {change}'.encode())
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
