"""Which letters the owner got, in memory."""

from collections.abc import Collection, MutableMapping
from dataclasses import dataclass, replace
from datetime import datetime

from domain.ports.owner_letters import LetterStatus, OwnerLetters
from tests.doubles.tables import hold


@dataclass(frozen=True, kw_only=True)
class LetterRow:
    """A claimed letter."""

    claimed_at: datetime
    seen_at: datetime
    status: LetterStatus = LetterStatus.CLAIMED


class InMemoryOwnerLetters(OwnerLetters):
    """Letters of one transaction."""

    def __init__(self, pages: MutableMapping[str, LetterRow]) -> None:
        self._pages = pages

    def claim(self, subject: str, now: datetime) -> bool:
        hold(self._pages, subject)
        if subject in self._pages:
            return False
        self._pages[subject] = LetterRow(claimed_at=now, seen_at=now)
        return True

    def is_claimed(self, subject: str) -> bool:
        return subject in self._pages

    def settle(self, subjects: Collection[str], status: LetterStatus) -> None:
        for subject in self._known(subjects):
            self._pages[subject] = replace(self._pages[subject], status=status)

    def release(
        self,
        subjects: Collection[str],
        claimed_before: datetime | None = None,
        status: LetterStatus = LetterStatus.CLAIMED,
    ) -> None:
        for subject in self._known(subjects):
            row = self._pages[subject]
            is_meant = claimed_before is None or row.claimed_at < claimed_before
            if row.status is status and is_meant:
                del self._pages[subject]

    def see(self, subjects: Collection[str], now: datetime) -> None:
        for subject in self._known(subjects):
            self._pages[subject] = replace(self._pages[subject], seen_at=now)

    def forget_unseen(self, before: datetime, subjects: Collection[str] | None = None) -> int:
        unseen = [
            subject
            for subject, row in self._pages.items()
            if row.seen_at < before and (subjects is None or subject in subjects)
        ]
        for subject in unseen:
            del self._pages[subject]
        return len(unseen)

    def _known(self, subjects: Collection[str]) -> list[str]:
        return [subject for subject in subjects if subject in self._pages]
