"""Which letters the owner got."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from adapters.postgres.driver_sql import execute
from domain.ports.owner_letters import LetterStatus, OwnerLetters

_CLAIM = """INSERT INTO owner_letters (subject, claimed_at, seen_at) VALUES (:subject, :now, :now)
    ON CONFLICT (subject) DO NOTHING"""
_IS_CLAIMED = "SELECT subject FROM owner_letters WHERE subject = :subject"
_SETTLE = "UPDATE owner_letters SET status = :status WHERE subject = ANY(:subjects)"
_RELEASE = """DELETE FROM owner_letters WHERE subject = ANY(:subjects) AND status = :status
    AND claimed_at < coalesce(CAST(:claimed_before AS timestamptz), 'infinity')"""
_SEE = "UPDATE owner_letters SET seen_at = :now WHERE subject = ANY(:subjects)"
_FORGET = """DELETE FROM owner_letters WHERE seen_at < :before
    AND (CAST(:subjects AS text[]) IS NULL OR subject = ANY(:subjects))"""


class PostgresOwnerLetters(OwnerLetters):
    """The letters on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim(self, subject: str, now: datetime) -> bool:
        """Claim a letter; a concurrent claim waits for this transaction."""
        return execute(self._connection, _CLAIM, {"subject": subject, "now": now}).rowcount == 1

    def is_claimed(self, subject: str) -> bool:
        return execute(self._connection, _IS_CLAIMED, {"subject": subject}).rowcount == 1

    def settle(self, subjects: Collection[str], status: LetterStatus) -> None:
        execute(self._connection, _SETTLE, {"subjects": list(subjects), "status": status.value})

    def release(
        self,
        subjects: Collection[str],
        claimed_before: datetime | None = None,
        status: LetterStatus = LetterStatus.CLAIMED,
    ) -> None:
        released = {
            "subjects": list(subjects),
            "status": status.value,
            "claimed_before": claimed_before,
        }
        execute(self._connection, _RELEASE, released)

    def see(self, subjects: Collection[str], now: datetime) -> None:
        execute(self._connection, _SEE, {"subjects": list(subjects), "now": now})

    def forget_unseen(self, before: datetime, subjects: Collection[str] | None = None) -> int:
        named = list(subjects) if subjects is not None else None
        return execute(self._connection, _FORGET, {"before": before, "subjects": named}).rowcount
