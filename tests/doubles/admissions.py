"""The slots at the restorer, in the books in memory."""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain.model.reactions import CancelPrediction, CollectRestoration, Reaction
from domain.model.values import OrderId
from domain.ports.admission import MINUTE, Admissions, needs_admission
from tests.doubles.gate import LONG_AGO, Admission, Gate
from tests.doubles.reaction_table import Work


class InMemoryAdmissions(Admissions):
    """Hands out slots, one transaction at a time."""

    def __init__(self, work: dict[UUID, Work], gate: Gate) -> None:
        self._work = work
        self._gate = gate

    def admit(self, now: datetime, *, max_running: int, max_per_minute: int) -> list[tuple[UUID, Reaction]]:
        gate = self._gate
        gate.admissions = [each for each in gate.admissions if each.admitted_at > now - MINUTE]
        if gate.paused_until > now:
            return []
        held = Counter(order_id for order_id, _ in {_slot(w) for w in self._work.values() if _holds_slot(w)})
        free = max(0, min(max_running - held.total(), max_per_minute - len(gate.admissions)))
        last = {each.order_id: each.admitted_at for each in gate.admissions}
        turns: list[tuple[int, datetime, Work]] = []
        for work in sorted(self._work.values(), key=lambda each: each.due_at):
            if needs_admission(work.reaction) and work.admitted_at is None and work.is_to_be_had(now):
                held[work.order_id] += 1
                turns.append((held[work.order_id], last.get(work.order_id, LONG_AGO), work))
        turns.sort(key=lambda each: (each[0], each[1], each[2].due_at))
        return [self._admitted(work, now) for *_, work in turns[:free]]

    def pause(self, until: datetime) -> None:
        self._gate.paused_until = max(self._gate.paused_until, until)
        for work in list(self._work.values()):
            if work.admitted_at is not None and work.token is None:
                self._gate.uncount(work.reaction_id, work.admitted_at)
                self._work[work.reaction_id] = replace(work, admitted_at=None, sent_at=None, sendings=0)

    def _admitted(self, work: Work, now: datetime) -> tuple[UUID, Reaction]:
        self._gate.admissions.append(Admission(work.reaction_id, work.order_id, now))
        self._work[work.reaction_id] = replace(work, admitted_at=now, sent_at=now, sendings=1)
        return work.reaction_id, work.reaction


def _holds_slot(work: Work) -> bool:
    return work.outcome is None and (
        work.admitted_at is not None or isinstance(work.reaction, CollectRestoration | CancelPrediction)
    )


def _slot(work: Work) -> tuple[OrderId, str]:
    """Collecting and cancelling one prediction is about one slot."""
    if isinstance(work.reaction, CollectRestoration | CancelPrediction):
        return work.order_id, work.reaction.prediction_id
    return work.order_id, str(work.reaction_id)
