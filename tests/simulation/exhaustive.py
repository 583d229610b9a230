"""Crash canonical orders at every commit and call, singly and in pairs."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from rich.console import Console
from rich.progress import Progress

from tests.simulation.faults import AT, Fault, Plan, fault_id, is_scheduled
from tests.simulation.participants import Participant, visitor
from tests.simulation.world_run import Outcome, run

CRASHES = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)
#: How many single crashes one task of a pool tries.
CHUNK = 20


#: The events of an order that is delivered and downloaded, and whose photos are purged after the retention
#: period.
DELIVERED = frozenset(
    {
        *("PaymentReceived", "ImagesMoved", "RestorationStarted", "RestorationCompleted", "DownloadPrepared"),
        *("EmailSent", "ResultDownloaded", "ResultServed", "PhotosPurged"),
    }
)


@dataclass(frozen=True)
class History:
    """A canonical order without faults, and the event types it records.

    ``seed`` decides what ``part`` leaves open.
    """

    name: str
    seed: int
    part: Participant
    kinds: frozenset[str] = DELIVERED


HISTORIES = (
    History("one photo, fetched", 11, visitor(1, habit="pay", link_action="fetch", photos=1)),
    History("abandoned", 12, visitor(1, habit="abandon", photos=1), frozenset()),
    History("three photos", 20, visitor(1, habit="pay", link_action="fetch", photos=3)),
    History(
        "paid by a method that takes days",
        21,
        visitor(1, habit="pay later", link_action="fetch one", photos=1),
    ),
    History("paid twice", 20, visitor(1, habit="pay twice", link_action="fetch one", photos=1)),
    History(
        "redone",
        16,
        visitor(1, habit="pay", link_action="ask for a redo", photos=2),
        DELIVERED | {"RedoRequested"},
    ),
    History(
        "disputed",
        17,
        visitor(1, habit="pay", link_action="dispute", photos=1),
        DELIVERED | {"DisputeOpened", "DisputeClosed"},
    ),
    History(
        "a new link",
        18,
        visitor(1, habit="pay", link_action="come back after weeks", photos=1),
        # A reminder goes out, and the photos are looked at but never fetched.
        DELIVERED - {"ResultDownloaded"} | {"EmailRequested", "DownloadLinkIssued"},
    ),
)


@dataclass(frozen=True)
class Tried:
    """The number of crashes tried, and those that broke a law."""

    crashes: int
    broken: tuple[tuple[tuple[str, ...], Outcome], ...]


def crash_points(history: History) -> list[str]:
    """List the ids of crashes before and after each commit and call.

    Raises AssertionError if the history breaks a law without a crash, or records other event types than it
    states.
    """
    plain = crashed(history, ("none",))
    if not plain.holds:
        raise AssertionError(f"{history.name} breaks a law by itself: {plain.sentence}")
    if plain.kinds != history.kinds:
        raise AssertionError(f"{history.name} is another story: {sorted(plain.kinds ^ history.kinds)}")
    return [point for place in plain.places for point in _crashes_at(place)]


def shortest(histories: Iterable[History], count: int = 2) -> list[History]:
    """Select the histories with the fewest commits and calls of their own."""
    return sorted(histories, key=lambda each: sum(not is_scheduled(point) for point in crash_points(each)))[
        :count
    ]


def try_crashes(history: History, points: Iterable[str]) -> Tried:
    """Run the history once for each crash."""
    return _tried(history, [(point,) for point in points])


def try_seconds(history: History, first: str) -> Tried:
    """Run the history once for each crash that can follow the first."""
    return _tried(history, [(first, second) for second in seconds_after(history, first)])


def seconds_after(history: History, first: str) -> list[str]:
    """List the crashes that can follow a first one.

    This includes those at places that are reached only because of the first crash.
    """
    places = crashed(history, (first,)).places
    later = places[places.index(first.rpartition("!")[0]) + 1 :]
    return [point for place in later for point in _crashes_at(place) if not is_scheduled(point)]


def exhaust(console: Console, jobs: int) -> int:
    """Try all crashes of all histories; return the exit status."""
    with ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("spawn")) as pool:
        few = shortest(HISTORIES)
        broken = [_exhausted(history, pool, console, in_pairs=history in few) for history in HISTORIES]
    return int(any(broken))


def _exhausted(history: History, pool: Executor, console: Console, *, in_pairs: bool) -> bool:
    """Try the crashes of one history; return whether a law was broken."""
    points = crash_points(history)
    chunks = [points[start : start + CHUNK] for start in range(0, len(points), CHUNK)]
    futures = [pool.submit(try_crashes, history, chunk) for chunk in chunks]
    if in_pairs:
        futures += [pool.submit(try_seconds, history, first) for first in points if not is_scheduled(first)]
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        tried = [future.result() for future in progress.track(futures, description=history.name)]
    broken = [one for each in tried for one in each.broken]
    crashed = sum(each.crashes for each in tried)
    console.print(f"{history.name}: {crashed:,} times crashed, {len(broken)} laws broken.", soft_wrap=True)
    for forced, outcome in broken[:3]:
        console.print(
            f"  {' and '.join(forced)}: {outcome.sentence}", style="red", markup=False, soft_wrap=True
        )
        crashes = " ".join(f"--crash '{point}'" for point in forced)
        console.print(
            f"  restoreclick simulate --history '{history.name}' {crashes}", markup=False, soft_wrap=True
        )
    return bool(broken)


def _tried(history: History, crashes: Sequence[tuple[str, ...]]) -> Tried:
    outcomes = [(forced, crashed(history, forced)) for forced in crashes]
    return Tried(len(crashes), tuple(one for one in outcomes if not one[1].holds))


def crashed(history: History, forced: Iterable[str]) -> Outcome:
    """Run the history with these crashes."""
    plan = Plan(forced=frozenset(forced), rates_are_zero=True, is_calm=True)
    return run(history.seed, [history.part], plan=plan)


def _crashes_at(place: str) -> list[str]:
    kind = place.partition(" ")[0]
    return [fault_id(place, fault) for fault in CRASHES if fault in AT[kind]]
