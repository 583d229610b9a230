"""The schedule of reconciliations in memory."""

from datetime import datetime

from domain.ports.reconciliation_rounds import BegunRound, ReconciliationRounds, UnfinishedRound
from tests.doubles.tables import Tables
from tests.doubles.transaction_overlay import TransactionWrites


class InMemoryReconciliationRounds(ReconciliationRounds):
    """The reconciliation runs on record."""

    def __init__(self, pages: Tables, writing: TransactionWrites) -> None:
        self._rounds = pages.rounds
        self._unfinished = pages.unfinished_rounds
        self._writing = writing

    def begin(self, now: datetime, unless_since: datetime) -> BegunRound | None:
        self._writing.take("rounds")
        if any(began_at > unless_since for began_at in self._rounds):
            return None
        ended = [began_at for began_at, ended_at in self._rounds.items() if ended_at is not None]
        self._rounds[now] = None
        return BegunRound(previous=max(ended, default=None))

    def interrupt(self, unfinished: UnfinishedRound) -> None:
        self._unfinished[unfinished.began_at] = unfinished

    def take_unfinished(self) -> UnfinishedRound | None:
        self._writing.take("rounds")
        newest = max(self._rounds, default=None)
        return None if newest is None else self._unfinished.pop(newest, None)

    def end(self, began_at: datetime, now: datetime, *, findings: int, healed: int) -> None:  # noqa: ARG002 -- stored by PostgreSQL, for staff who read the table
        self._rounds[began_at] = now
