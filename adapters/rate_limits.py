"""Rate limits per client on Redis or Valkey, with the `limits` library."""

import time
from datetime import timedelta

import structlog
from limits import RateLimitItemPerSecond
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from domain.ports.rate_limiter import Quota, RateLimiter

#: A store that does not answer at once counts as unavailable: visitors must not wait for it.
TIMEOUT_SECONDS = 0.5

#: Seconds without calls after an outage, so that it costs one time-out and not one per request.
UNAVAILABLE_SECONDS = 10.0

_log = structlog.get_logger(__name__)


class RedisRateLimiter(RateLimiter):
    """Sliding-window rate limits in Redis.

    Everything is allowed while Redis is unavailable; a warning is logged.
    """

    def __init__(self, redis_url: str) -> None:
        self._storage = RedisStorage(
            redis_url,
            key_prefix="restoreclick-limits",
            wrap_exceptions=True,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
        )
        self._strategy = SlidingWindowCounterRateLimiter(self._storage)
        self._unavailable_until = 0.0

    def take(self, quota: Quota, client: str, amount: int = 1) -> timedelta | None:
        item = _item(quota)
        if time.monotonic() < self._unavailable_until:
            return None
        try:
            if self._strategy.hit(item, client, cost=amount):
                return None
            return self._wait(item, client)
        except StorageError as error:
            self._pause(error)
            return None

    def exceeded_for(self, quota: Quota, client: str) -> timedelta | None:
        item = _item(quota)
        if time.monotonic() < self._unavailable_until:
            return None
        try:
            return None if self._strategy.test(item, client) else self._wait(item, client)
        except StorageError as error:
            self._pause(error)
            return None

    def close(self) -> None:
        """Close the connections."""
        self._storage.storage.close()

    def _wait(self, item: RateLimitItemPerSecond, client: str) -> timedelta:
        reset_at, _ = self._strategy.get_window_stats(item, client)
        return timedelta(seconds=max(1.0, reset_at - time.time()))

    def _pause(self, error: StorageError) -> None:
        self._unavailable_until = time.monotonic() + UNAVAILABLE_SECONDS
        _log.warning("rate_limiter_unavailable", error=type(error.storage_error).__name__)


def _item(quota: Quota) -> RateLimitItemPerSecond:
    return RateLimitItemPerSecond(
        quota.amount, int(quota.window.total_seconds()), namespace=f"restoreclick:{quota.name}"
    )
