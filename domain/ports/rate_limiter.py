"""The ports for rate limits: per client, and in total.

Counts by client are in a fast store, totals in the database.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Quota:
    """A named amount that may be requested within a window."""

    name: str
    amount: int
    window: timedelta


class RateLimiter(Protocol):
    """Counts by client.

    While the store is unavailable it allows everything; the totals still hold.
    """

    def take(self, quota: Quota, client: str, amount: int = 1) -> timedelta | None:
        """Count ``amount``, or return the wait if it exceeds the quota.

        Nothing is counted then.
        """

    def exceeded_for(self, quota: Quota, client: str) -> timedelta | None:
        """The wait of a client whose quota is used up, else None.

        Counts nothing.
        """


class UsageTotals(Protocol):
    """Counts over all clients, inside a database transaction."""

    def take(self, quota: Quota, window_started_at: datetime, amount: int = 1) -> bool:
        """Count ``amount`` in a window; False if it exceeds the quota.

        Nothing is counted then.
        """

    def taken(self, quota: Quota, window_started_at: datetime) -> int:
        """The count of a window."""

    def forget(self, started_before: datetime) -> None:
        """Delete windows that started before a moment."""

    def stored_bytes(self) -> int:
        """The total size of stored photos, results and archives."""
