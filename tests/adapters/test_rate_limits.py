"""Rate limits per client on a real Valkey, and its outage."""

import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest

from adapters.rate_limits import TIMEOUT_SECONDS, RedisRateLimiter
from domain.ports.rate_limiter import Quota

HOUR = timedelta(hours=1)


@pytest.fixture
def limiter(redis_url: str) -> Iterator[RedisRateLimiter]:
    limiter = RedisRateLimiter(redis_url)
    yield limiter
    limiter.close()


@pytest.fixture
def quota() -> Quota:
    return Quota(name=f"photos-{uuid4()}", amount=10, window=HOUR)


def test_only_a_client_that_used_up_its_quota_waits(limiter: RedisRateLimiter, quota: Quota) -> None:
    assert limiter.take(quota, "198.51.100.7", 6) is None
    refused = limiter.take(quota, "198.51.100.7", 5)
    assert refused is not None
    assert timedelta(0) < refused <= HOUR
    assert limiter.take(quota, "198.51.100.7", 4) is None
    assert limiter.exceeded_for(quota, "198.51.100.7") is not None
    assert limiter.exceeded_for(quota, "198.51.100.8") is None
    assert limiter.take(quota, "198.51.100.8", 10) is None


def test_quotas_of_other_names_are_counted_apart(limiter: RedisRateLimiter, quota: Quota) -> None:
    other = Quota(name=f"{quota.name}-more", amount=10, window=HOUR)
    assert limiter.take(quota, "198.51.100.7", 10) is None
    assert limiter.take(other, "198.51.100.7", 10) is None


def test_two_processes_count_together(redis_url: str, limiter: RedisRateLimiter, quota: Quota) -> None:
    other = RedisRateLimiter(redis_url)
    assert limiter.take(quota, "198.51.100.7", 6) is None
    assert other.take(quota, "198.51.100.7", 6) is not None
    other.close()


def test_a_hanging_store_is_waited_for_once_and_refuses_no_client(quota: Quota) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        limiter = RedisRateLimiter(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        started = time.monotonic()
        assert [limiter.take(quota, "198.51.100.7", 11) for _ in range(100)] == [None] * 100
        assert limiter.exceeded_for(quota, "198.51.100.7") is None
        assert time.monotonic() - started < 10 * TIMEOUT_SECONDS
        limiter.close()
