"""Retry of a failed call: exponential backoff with jitter.

How often each kind of reaction is retried, and what is recorded after the last call, is in the table ``REACTIONS`` of
``reaction_handlers.py``. Attempts at a photo, each with a prediction of its own, are counted apart: their number, wait
and end are in ``domain/order/restoration_attempts.py``.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

#: Upper bound of a wait, before jitter.
LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """A reaction's number of attempts, first wait and time limit per attempt."""

    first_wait: timedelta
    attempts: int
    time_limit: timedelta

    def wait(self, reaction_id: UUID, attempt: int) -> timedelta:
        """The backoff after a failed attempt, counted from 1.

        It doubles up to LONGEST_WAIT, plus up to a quarter of jitter, which is derived from the reaction and attempt.
        """
        doubled = self.first_wait * (1 << min(attempt - 1, 20))
        digest = hashlib.sha256(f"{reaction_id}:{attempt}".encode()).digest()
        return min(doubled, LONGEST_WAIT) * (1 + digest[0] / 1024)
