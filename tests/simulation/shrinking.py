"""Shrink a world that breaks a law to a smallest such world."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.simulation.faults import Plan
from tests.simulation.participants import Participant, all_participants
from tests.simulation.world_run import VISITORS, Outcome, run

T = TypeVar("T")

#: More runs than this hardly shrink it further, and the developer waits.
MOST_RUNS = 250


@dataclass(frozen=True)
class Shrunk:
    """The smallest failing world: its participants and the faults that may strike."""

    outcome: Outcome
    participants: tuple[Participant, ...]
    faults: tuple[str, ...]
    runs: int
    plant: str | None = None

    @property
    def command(self) -> str:
        """The command that reproduces it."""
        parts = " ".join(f"--part '{part.name}'" for part in self.participants)
        faults = " ".join(f"--fault '{fault}'" for fault in self.faults) or "--no-faults"
        plant = f" --plant '{self.plant}'" if self.plant else ""
        services = " --services" if self.outcome.without_http else ""
        return f"restoreclick simulate --seed {self.outcome.seed} {parts} {faults}{plant}{services}"


class _Search:
    """Runs the same seed with ever fewer participants and faults."""

    def __init__(self, broken: Outcome, plant: str | None) -> None:
        self.smallest = broken
        self.runs = 0
        self._plant = plant

    def still_breaks(self, participants: Sequence[Participant], faults: Sequence[str]) -> bool:
        """Whether these participants and faults still break the same law."""
        self.runs += 1
        outcome = run(
            self.smallest.seed,
            participants,
            plan=Plan(only=frozenset(faults)),
            plant=self._plant,
            without_http=self.smallest.without_http,
        )
        if outcome.law != self.smallest.law:
            return False
        self.smallest = outcome
        return True

    @property
    def is_over(self) -> bool:
        """Whether the limit of runs is reached."""
        return self.runs >= MOST_RUNS


def shrink(
    broken: Outcome, participants: Sequence[Participant] | int = VISITORS, *, plant: str | None = None
) -> Shrunk:
    """Leave out participants, then kinds of faults, then single faults.

    Each removal stays if the same law is still broken.
    """
    whole = all_participants(participants) if isinstance(participants, int) else tuple(participants)
    search = _Search(broken, plant)
    # If the faults about the broken subject suffice, most of the work is done at once.
    suspected = search.still_breaks(whole, broken.suspects)
    struck = broken.suspects if suspected else broken.struck
    parts = _least(whole, lambda some: search.still_breaks(some, struck), search)
    kinds = sorted({_kind(fault) for fault in search.smallest.struck})
    struck = search.smallest.struck
    _least(
        kinds, lambda some: search.still_breaks(parts, [one for one in struck if _kind(one) in some]), search
    )
    faults = _least(search.smallest.struck, lambda some: search.still_breaks(parts, some), search)
    parts = _least(parts, lambda some: search.still_breaks(some, faults), search)
    plan = Plan(only=frozenset(faults))
    final = run(broken.seed, parts, plan=plan, plant=plant, without_http=broken.without_http)
    return Shrunk(final, tuple(parts), tuple(faults), search.runs, plant)


def _kind(fault: str) -> tuple[str, str]:
    """The place and kind of a fault, such as payment provider time-outs."""
    return fault.partition(" ")[0], fault.rpartition("!")[2]


def _least(things: Sequence[T], is_enough: Callable[[Sequence[T]], bool], search: _Search) -> Sequence[T]:
    """Find fewer things that suffice, by delta debugging.

    They are removed by halves, then by quarters, at last one by one.
    """
    size = max(len(things) // 2, 1)
    while things and not search.is_over:
        start, is_smaller = 0, False
        while start < len(things) and not search.is_over:
            rest = [*things[:start], *things[start + size :]]
            if is_enough(rest):
                things, is_smaller = rest, True
            else:
                start += size
        if size == 1 and not is_smaller:
            break
        size = max(size // 2, 1)
    return things
