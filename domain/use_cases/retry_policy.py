"""How often each kind of work is tried, how long the shop waits between, and how long one call may take."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never
from uuid import UUID

from domain.order.reactions import (
    CancelPrediction,
    CollectRestoration,
    DeletePhotos,
    IssueRefund,
    MoveImages,
    PrepareDownload,
    Reaction,
    RestoreImage,
    SendEmail,
)

#: No wait is longer than this (plus its jitter), however often the work has failed.
LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """The limits of one kind of work: its attempts, the waits between them, and the time of one attempt."""

    first_wait: timedelta
    attempts: int
    time_limit: timedelta

    def wait(self, reaction_id: UUID, attempt: int) -> timedelta:
        """The wait after a failed attempt (1-based): it doubles up to an hour, plus up to a quarter of jitter."""
        doubled = self.first_wait * (1 << min(attempt - 1, 20))
        digest = hashlib.sha256(f"{reaction_id}:{attempt}".encode()).digest()
        return min(doubled, LONGEST_WAIT) * (1 + digest[0] / 1024)


def retry_policy_of(reaction: Reaction, *, email_retry: timedelta) -> RetryPolicy:
    """The limits of this work; ``email_retry`` is the owner's first wait after a mail that failed."""
    match reaction:
        case MoveImages() | PrepareDownload():
            # All photos of an order go through storage in one attempt: up to 200 of 50 MiB each.
            return _limits(seconds=1, attempts=24, minutes=120)
        case RestoreImage() | CollectRestoration():
            return _limits(seconds=2, attempts=24, minutes=15)
        case CancelPrediction():
            # Longer than the restorer lets one run: what could not be cancelled by then is over.
            return _limits(seconds=5, attempts=10, minutes=5)
        case SendEmail():
            return _limits(seconds=email_retry.total_seconds(), attempts=24, minutes=15)
        case IssueRefund():
            return _limits(seconds=5, attempts=24, minutes=5)
        case DeletePhotos():
            # Nothing else deletes them: it is tried every hour for more than a year.
            return _limits(seconds=5, attempts=10_000, minutes=60)
        case _:
            assert_never(reaction)


def _limits(*, seconds: float, attempts: int, minutes: int) -> RetryPolicy:
    return RetryPolicy(
        first_wait=timedelta(seconds=seconds), attempts=attempts, time_limit=timedelta(minutes=minutes)
    )
