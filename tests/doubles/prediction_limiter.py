"""The prediction slots in memory."""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain.order.reactions import CancelPrediction, CollectRestoration, Reaction
from domain.order.values import OrderId
from domain.ports.prediction_limiter import MINUTE, PredictionSlots
from tests.doubles.reaction_table import Work, uncount
from tests.doubles.tables import LONG_AGO, Tables, is_held_by_another
from tests.doubles.transaction_overlay import TransactionWrites

#: The key of the one row that holds the end of the pause in admissions.
PAUSE = "pause"


class InMemoryPredictionSlots(PredictionSlots):
    """Grants slots, one transaction at a time."""

    def __init__(self, pages: Tables, writing: TransactionWrites) -> None:
        self._pages = pages
        self._writing = writing

    def grant(self, now: datetime, *, max_running: int, max_per_minute: int) -> list[tuple[UUID, Reaction]]:
        self._writing.take("admissions")
        admissions = self._pages.admissions
        works = [work for work in self._pages.work.values() if work.outcome is None]
        for key in [key for key in admissions if key[1] <= now - MINUTE]:
            del admissions[key]
        if self._pages.paused_until.get(PAUSE, LONG_AGO) > now:
            return []
        held = Counter(order_id for order_id, _ in {_slot(work) for work in works if _holds_slot(work)})
        free = max(0, min(max_running - held.total(), max_per_minute - len(admissions)))
        last = {order_id: admitted_at for (_, admitted_at), order_id in admissions.items()}
        turns: list[tuple[int, datetime, Work]] = []
        for work in sorted(filter(_waits, works), key=lambda each: each.due_at):
            if work.is_to_be_had(now):
                held[work.order_id] += 1
                turns.append((held[work.order_id], last.get(work.order_id, LONG_AGO), work))
        turns.sort(key=lambda each: (each[0], each[1], each[2].due_at))
        chosen = [work for *_, work in turns[:free]]
        return [self._admitted(work, now) for work in chosen if not self._is_locked(work)]

    def pause(self, until: datetime) -> None:
        self._writing.take("admissions")
        pauses = self._pages.paused_until
        pauses[PAUSE] = max(pauses.get(PAUSE, LONG_AGO), until)
        for work in list(self._pages.work.values()):
            if work.admitted_at is not None and work.token is None and not self._is_locked(work):
                uncount(self._pages.admissions, work)
                self._pages.work[work.reaction_id] = replace(work, admitted_at=None, sent_at=None, sendings=0)

    def _is_locked(self, work: Work) -> bool:
        """Whether its row is skipped, because another transaction has locked it."""
        return is_held_by_another(self._pages.work, work.reaction_id)

    def _admitted(self, work: Work, now: datetime) -> tuple[UUID, Reaction]:
        self._pages.admissions[work.reaction_id, now] = work.order_id
        self._pages.work[work.reaction_id] = replace(work, admitted_at=now, sent_at=now, sendings=1)
        return work.reaction_id, work.reaction


def _waits(work: Work) -> bool:
    return work.admitted_at is None and work.reaction.starts_prediction


def _holds_slot(work: Work) -> bool:
    return work.admitted_at is not None or work.reaction.follows_prediction


def _slot(work: Work) -> tuple[OrderId, str]:
    """Name a slot: collecting and cancelling one prediction share one."""
    if isinstance(work.reaction, CollectRestoration | CancelPrediction):
        return work.order_id, work.reaction.prediction_id
    return work.order_id, str(work.reaction_id)
