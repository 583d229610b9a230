"""The clock and the ids that a simulated process sees."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tests.simulation.keyed_random import KeyedRandom
from tests.simulation.scheduler import Scheduler


@dataclass
class WorldClock:
    """The clock of the process that asks, or the true time."""

    scheduler: Scheduler
    is_true: bool = False

    def now(self) -> datetime:
        return self.scheduler.moment(None if self.is_true else self.scheduler.current.process)

    def check(self) -> None:
        """Report nothing: only the laws check how far it is off."""


@dataclass
class WorldIds:
    """Ids derived from the name of the task that asks."""

    scheduler: Scheduler
    chance: KeyedRandom

    def new(self) -> UUID:
        task = self.scheduler.current
        return self.chance.uuid(self.chance.numbered(f"id {task.name} {task.facts.get('about', '')}"))
