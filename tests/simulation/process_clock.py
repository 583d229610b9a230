"""What a process of the world takes for the time, and where its ids come from."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tests.simulation.keyed_random import KeyedRandom
from tests.simulation.scheduler import Scheduler


@dataclass
class WorldClock:
    """The time, as the process reads it off its clock that asks."""

    scheduler: Scheduler
    is_true: bool = False

    def now(self) -> datetime:
        return self.scheduler.moment(None if self.is_true else self.scheduler.current.process)

    def check(self) -> None:
        """How far it is off is nobody's concern but the laws'."""


@dataclass
class WorldIds:
    """Ids named by who asks for them."""

    scheduler: Scheduler
    chance: KeyedRandom

    def new(self) -> UUID:
        task = self.scheduler.current
        return self.chance.uuid(self.chance.numbered(f"id {task.name} {task.facts.get('about', '')}"))
