"""Usage totals and rate limits of visitors, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from domain.ports.clock import Clock
from domain.ports.rate_limiter import Quota, RateLimiter, UsageTotals
from tests.doubles.clock import StoppedClock

if TYPE_CHECKING:
    from tests.doubles.tables import Tables


class InMemoryUsageTotals(UsageTotals):
    """Usage totals in the in-memory tables."""

    def __init__(self, pages: Tables) -> None:
        self._pages = pages

    def take(self, quota: Quota, window_started_at: datetime, amount: int = 1) -> bool:
        if amount < 1:
            raise ValueError("The table refuses amounts below 1.")
        taken = self.taken(quota, window_started_at) + amount
        if taken > quota.amount:
            return False
        self._pages.usage[quota.name, window_started_at] = taken
        return True

    def taken(self, quota: Quota, window_started_at: datetime) -> int:
        return self._pages.usage.get((quota.name, window_started_at), 0)

    def forget(self, started_before: datetime) -> None:
        for key in [key for key in self._pages.usage if key[1] < started_before]:
            del self._pages.usage[key]

    def stored_bytes(self) -> int:
        uploads = sum(
            photo.upload.size_bytes
            for page in self._pages.uploads.values()
            if page.temp_objects_deleted_at is None
            for photo in page.session.photos
        )
        parts = sum(each.offset_bytes for each in self._pages.resumable.values() if not each.is_complete)
        kept = [order for order in self._pages.orders.values() if not order.photos_are_purged]
        originals = sum(
            image.upload.size_bytes + (image.restored.size_bytes if image.restored else 0)
            for order in kept
            for image in order.images.values()
            if image.original is not None
        )
        archives = {link.archive for order in kept for link in order.links.values()}
        return uploads + parts + originals + sum(archive.size_bytes for archive in archives)


@dataclass
class InMemoryRateLimiter(RateLimiter):
    """Counts by client, in windows that begin with the first request."""

    clock: Clock = field(default_factory=StoppedClock)
    _windows: dict[tuple[str, str], tuple[datetime, int]] = field(default_factory=dict)

    def take(self, quota: Quota, client: str, amount: int = 1) -> timedelta | None:
        began, taken = self._window(quota, client)
        if taken + amount > quota.amount:
            return began + quota.window - self.clock.now()
        self._windows[quota.name, client] = (began, taken + amount)
        return None

    def exceeded_for(self, quota: Quota, client: str) -> timedelta | None:
        began, taken = self._window(quota, client)
        return began + quota.window - self.clock.now() if taken >= quota.amount else None

    def _window(self, quota: Quota, client: str) -> tuple[datetime, int]:
        now = self.clock.now()
        began, taken = self._windows.get((quota.name, client), (now, 0))
        return (began, taken) if now < began + quota.window else (now, 0)
