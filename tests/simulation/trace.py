"""The trace of a world: the same seed gives the same bytes."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256

from tests.simulation.scheduler import Scheduler


@dataclass(frozen=True)
class Line:
    """One entry: time, actor, action, and the ids it is about."""

    at: int  # microseconds since the epoch
    who: str
    what: str
    about: str = ""

    def __str__(self) -> str:
        about = f"  [{self.about}]" if self.about else ""
        return f"{timedelta(microseconds=self.at)!s:>24}  {self.who:<28} {self.what}{about}"


@dataclass
class Trace:
    """The lines of one world, and a count by kind of recovery."""

    scheduler: Scheduler
    lines: list[Line] = field(default_factory=list)
    recoveries: Counter[str] = field(default_factory=Counter)

    def note(self, what: str, about: str = "", *, who: str | None = None) -> None:
        """Record an action of the current task."""
        name = who if who is not None else self.scheduler.current.name
        self.lines.append(Line(self.scheduler.now, name, what, about))

    def recover(self, how: str) -> None:
        """Count a recovery."""
        self.recoveries[how] += 1

    def digest(self) -> str:
        """The checksum of the whole trace."""
        digest = sha256()
        for line in self.lines:
            digest.update(f"{line.at} {line.who} {line.what} {line.about}\n".encode())
        return digest.hexdigest()
