"""The wake-up queue of a world: late, duplicated, reordered or lost messages."""

import heapq
from collections.abc import Iterable
from itertools import count
from uuid import UUID

from domain.order.reactions import Reaction
from tests.simulation.fault_hooks import FaultHooks
from tests.simulation.faults import Fault
from tests.simulation.scheduler import MINUTE, SECOND

#: The latency of a wake-up, in microseconds.
HOP = 2_000


class SimulatedQueue:
    """Wakes workers; it never fails, and guarantees nothing."""

    def __init__(self, trouble: FaultHooks) -> None:
        self._trouble = trouble
        self._waiting: list[tuple[int, int, UUID]] = []
        self._numbers = count()

    def check(self) -> None:
        """Report nothing: the queue is always available."""

    def send(self, reactions: Iterable[tuple[UUID, Reaction]]) -> None:
        """Send wake-ups for reactions, subject to faults."""
        scheduler, faults = self._trouble.scheduler, self._trouble.faults
        for reaction_id, reaction in reactions:
            scheduler.sleep(HOP)
            struck = faults.at("queue", f"{type(reaction).__name__} {reaction_id}")
            if Fault.QUEUE_EMPTIED in struck and self._waiting:
                self._trouble.note(struck, Fault.QUEUE_EMPTIED)
                self._waiting.clear()
            if Fault.LOST in struck:
                self._trouble.note(struck, Fault.LOST)
                continue
            for fault in struck.faults:
                if fault is not Fault.QUEUE_EMPTIED:
                    self._trouble.note(struck, fault)
            late = HOP
            if Fault.DELAY in struck:
                late += int(faults.chance.between(f"late {struck.name}", 0.2, 20) * MINUTE)
            if Fault.REORDER in struck:
                late += int(faults.chance.between(f"reorder {struck.name}", 0.1, 10) * SECOND)
            for _ in range(2 if Fault.DUPLICATE in struck else 1):
                heapq.heappush(self._waiting, (scheduler.now + late, next(self._numbers), reaction_id))
            scheduler.notify("queue")

    def take(self) -> UUID:
        """Wait for the next wake-up."""
        scheduler = self._trouble.scheduler
        while not self._waiting or self._waiting[0][0] > scheduler.now:
            at_most = self._waiting[0][0] - scheduler.now if self._waiting else None
            scheduler.wait("queue", at_most=at_most)
        return heapq.heappop(self._waiting)[2]

    @property
    def is_empty(self) -> bool:
        """Whether no wake-up is pending."""
        return not self._waiting
