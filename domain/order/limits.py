"""The limits of the work on one order."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Attempts, models and delays of the reactions of an order."""

    max_restoration_attempts: int = 3
    enlarges_results: bool = False  # a result smaller than its original is enlarged by another model
    has_second_model: bool = False  # what one model refuses permanently is tried with another
    max_redos_by_customer: int = 1  # of each photo; a staff member may always request one more
    restoration_poll: timedelta = timedelta(seconds=60)  # a webhook usually arrives before
    restoration_retry: timedelta = timedelta(seconds=5)  # doubles with each attempt
    email_blocked_retry: timedelta = timedelta(hours=1)  # doubles with each e-mail that is blocked
    email_confirmation: timedelta = timedelta(minutes=10)  # time for the provider's event webhook
    late_writing: timedelta = timedelta(hours=1)  # until a process that was storing a photo has ended
