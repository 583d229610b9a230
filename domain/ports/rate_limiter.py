"""Counting what strangers ask for: by client in a fast store, and in total in the database."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Quota:
    """How much of something may be asked for within a window; ``name`` tells quotas apart."""

    name: str
    amount: int
    window: timedelta


class RateLimiter(Protocol):
    """Counts by client. It may be away: then it lets everything pass, and the totals hold."""

    def take(self, quota: Quota, client: str, amount: int = 1) -> timedelta | None:
        """Count ``amount``; if that exceeds the quota, count nothing and return how long to wait."""
        ...

    def exceeded_for(self, quota: Quota, client: str) -> timedelta | None:
        """How long a client has to wait whose quota is used up; None while some is left. Counts nothing."""
        ...


class UsageTotals(Protocol):
    """Counts over all clients, inside a transaction of the database."""

    def take(self, quota: Quota, window_started_at: datetime, amount: int = 1) -> bool:
        """Count ``amount`` in a window; False, and nothing is counted, if that exceeds the quota."""
        ...

    def taken(self, quota: Quota, window_started_at: datetime) -> int:
        """What was counted in a window."""
        ...

    def forget(self, started_before: datetime) -> None:
        """Delete windows that started before a moment."""
        ...

    def stored_bytes(self) -> int:
        """The size of all photos, results and archives that are kept."""
        ...
