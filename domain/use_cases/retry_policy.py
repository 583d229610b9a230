"""Retry policy: attempts, exponential backoff with jitter, and the time limit of a call."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

#: No wait is longer than this (plus its jitter), however often the work has failed.
LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often a reaction is tried, the waits between, and the time limit of one attempt."""

    first_wait: timedelta
    attempts: int
    time_limit: timedelta

    def wait(self, reaction_id: UUID, attempt: int) -> timedelta:
        """The backoff after a failed attempt (1-based): doubles up to an hour, plus up to a quarter of jitter."""
        doubled = self.first_wait * (1 << min(attempt - 1, 20))
        digest = hashlib.sha256(f"{reaction_id}:{attempt}".encode()).digest()
        return min(doubled, LONGEST_WAIT) * (1 + digest[0] / 1024)
