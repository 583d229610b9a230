"""Every crash there can be: canonical orders, and a death at each commit and each call, one by one and in pairs."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from multiprocessing import get_context

from rich.console import Console

from tests.simulation.cast import Part, visitor
from tests.simulation.faults import AT, Fault, Plan, fault_id
from tests.simulation.running import Outcome, run

#: What runs by the clock, whoever's order it is: left out of the pairs.
CHORES = (
    *("sweeper", "leases", "housekeeping", "reconciling", "retention", "reminders"),
    *("unmatched payments", "pending payments", "checkouts", "refunds", "disputes", "events"),
    *("objects", "predictions"),
)
#: How many pairs one task of a pool tries.
CHUNK = 40


@dataclass(frozen=True)
class History:
    """An order as it goes when nothing else happens; ``seed`` decides what is not told."""

    name: str
    seed: int
    cast: tuple[Part, ...]


HISTORIES = (
    History("one photo, fetched", 11, (visitor(1, habit="pay", deed="fetch", photos=1),)),
    History("abandoned", 12, (visitor(1, habit="abandon", photos=1),)),
    History("three photos", 13, (visitor(1, habit="pay", deed="fetch", photos=3),)),
    History("paid by a method that takes days", 14, (visitor(1, habit="pay later", deed="look", photos=1),)),
    History("paid twice", 15, (visitor(1, habit="pay twice", deed="fetch one", photos=1),)),
    History("redone", 16, (visitor(1, habit="pay", deed="ask for a redo", photos=2),)),
    History("disputed", 17, (visitor(1, habit="pay", deed="dispute", photos=1),)),
    History("a new link", 18, (visitor(1, habit="pay", deed="renew", photos=1),)),
)


@dataclass(frozen=True)
class Tried:
    """What came of the crashes of one history."""

    history: str
    crashes: int
    broken: tuple[tuple[tuple[str, ...], Outcome], ...]


def crash_points(history: History, *, without_chores: bool = False) -> list[str]:
    """Each crash that can be, by its id: before and after every commit and every call of the history."""
    plain = run(history.seed, history.cast, plan=Plan(forced=frozenset({"none"}), rates_are_zero=True))
    if not plain.holds:
        raise AssertionError(f"{history.name} breaks a law by itself: {plain.sentence}")
    return [
        fault_id(place, fault)
        for place in plain.places
        if not (without_chores and any(f" {chore}" in place for chore in CHORES))
        for fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)
        if fault in AT[place.partition(" ")[0]]
    ]


def shortest(histories: Iterable[History], count: int = 2) -> list[History]:
    """Those with the fewest commits and calls."""
    return sorted(histories, key=lambda history: len(crash_points(history, without_chores=True)))[:count]


def plans(history: History, *, in_pairs: bool) -> Iterator[tuple[str, ...]]:
    """The crashes to try: one by one and, where that is wanted, two by two."""
    yield from ((point,) for point in crash_points(history))
    if in_pairs:
        yield from combinations(crash_points(history, without_chores=True), 2)


def try_crashes(history: History, crashes: Iterable[tuple[str, ...]]) -> Tried:
    """Let the history happen once for each."""
    broken = []
    count = 0
    for forced in crashes:
        count += 1
        outcome = run(history.seed, history.cast, plan=Plan(forced=frozenset(forced), rates_are_zero=True))
        if not outcome.holds:
            broken.append((forced, outcome))
    return Tried(history.name, count, tuple(broken))


def exhaust(console: Console, jobs: int) -> int:
    """Try all crashes of all histories; the exit status."""
    status = 0
    few = shortest(HISTORIES)
    with ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("spawn")) as pool:
        for history in HISTORIES:
            chunks = _chunks(list(plans(history, in_pairs=history in few)))
            tried = list(pool.map(try_crashes, [history] * len(chunks), chunks))
            crashes = sum(each.crashes for each in tried)
            broken = [one for each in tried for one in each.broken]
            console.print(
                f"{history.name}: {crashes:,} times crashed, {len(broken)} laws broken.", soft_wrap=True
            )
            for forced, outcome in broken[:3]:
                status = 1
                console.print(
                    f"  {' and '.join(forced)}: {outcome.sentence}", style="red", markup=False, soft_wrap=True
                )
                for line in outcome.timeline:
                    console.print(f"    {line}", markup=False, soft_wrap=True)
    return status


def _chunks(crashes: list[tuple[str, ...]]) -> list[list[tuple[str, ...]]]:
    return [crashes[start : start + CHUNK] for start in range(0, len(crashes), CHUNK)]
