"""The port that remembers which letters the owner got."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class LetterStatus(StrEnum):
    """What is known of a claimed letter."""

    CLAIMED = "claimed"  # about to be sent, or its worker died
    SENT = "sent"
    UNCONFIRMED = "unconfirmed"  # the provider's reply was lost: it is not sent again
    REFUSED = "refused"  # the provider did not take it


class OwnerLetters(Protocol):
    """Letters by subject, each claimed by one process before it is sent."""

    def claim(self, subject: str, now: datetime) -> bool:
        """Claim a letter; False if it was claimed before."""

    def is_claimed(self, subject: str) -> bool:
        """Whether a letter was claimed."""

    def settle(self, subjects: Collection[str], status: LetterStatus) -> None:
        """Record what became of claimed letters."""

    def release(
        self,
        subjects: Collection[str],
        claimed_before: datetime | None = None,
        status: LetterStatus = LetterStatus.CLAIMED,
    ) -> None:
        """Forget letters of a status, so that they can be claimed again.

        With a moment, only those that were claimed before it.
        """

    def see(self, subjects: Collection[str], now: datetime) -> None:
        """Record that what these letters are about still holds."""

    def forget_unseen(self, before: datetime, subjects: Collection[str] | None = None) -> int:
        """Forget letters about what was last seen before a moment.

        With subjects, only these. Returns their number.
        """
