"""Rows of the table, measured in interleaved rounds, as medians."""

import statistics
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

from benchmarks.cpu import CpuMeter
from benchmarks.servers import Servers
from entrypoints.bootstrap.garbage_collection import exempt_startup_objects

OURS, LIMIT = "ours", "limit"


class Direction(Enum):
    """Which values of a row are better."""

    HIGHER = "higher is better"
    LOWER = "lower is better"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One round of one contestant.

    ``value`` is in the row's unit; ``cpu_ms`` is per operation, by process; ``facts`` are further figures by name.
    """

    value: float
    cpu_ms: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """The medians of a contestant's rounds, and the range of its values."""

    value: float
    low: float
    high: float
    rounds: int
    cpu_ms: Mapping[str, float]
    facts: Mapping[str, float]

    @property
    def total_cpu_ms(self) -> float:
        """The CPU milliseconds of an operation in all measured processes."""
        return sum(self.cpu_ms.values())


#: The figures of a row, by contestant.
Figures = Mapping[str, Figure]


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A bound on something measured; ``measured`` is None where it was not."""

    text: str
    measured: Callable[[Figures], float | None]
    at_least: float | None = None
    at_most: float | None = None

    def is_met(self, figures: Figures) -> bool | None:
        """Return whether it is met; None if it was not measured."""
        found = self.measured(figures)
        if found is None:
            return None
        return (self.at_least is None or found >= self.at_least) and (
            self.at_most is None or found <= self.at_most
        )


class Row(ABC):
    """One kind of work: the shop, the limit, and peers.

    All contestants have the same number of clients or threads. ``notes`` says what is not measured, and why.
    """

    name: ClassVar[str]
    work: ClassVar[str]
    unit: ClassVar[str]
    direction: ClassVar[Direction] = Direction.HIGHER
    goals: ClassVar[Sequence[Goal]] = ()
    notes: ClassVar[str] = ""
    rounds: ClassVar[int] = 5
    #: Whether the row needs every server and twin, or PostgreSQL alone.
    needs_shop: ClassVar[bool] = False

    def __init__(self, servers: Servers, *, quick: bool = False, large: bool = False) -> None:
        self.servers = servers
        self.quick = quick
        self.large = large

    def size(self, full: int, quick: int) -> int:
        """Return the amount of work of a round."""
        return quick if self.quick else full

    def open(self, resources: ExitStack) -> None:  # noqa: B027 -- most rows prepare something, some do not
        """Prepare what all rounds share; ``resources`` closes it."""

    @abstractmethod
    def ours(self) -> Sample:
        """Measure one round of the shop."""

    def limit(self) -> Sample | None:
        """Measure one round of the least that such work can cost.

        None if there is no such figure.
        """
        return None

    def peers(self) -> Mapping[str, Callable[[], Sample]]:
        """Return how to measure one round of each peer, by name."""
        return {}


def measure(
    row: Row, rounds: int, *, on_round: Callable[[str], object] = lambda _: None
) -> dict[str, Figure]:
    """Measure a row; another contestant begins each round."""
    with ExitStack() as resources:
        row.open(resources)
        exempt_startup_objects()  # as the shop's own processes do
        contestants: dict[str, Callable[[], Sample | None]] = {
            OURS: row.ours,
            LIMIT: row.limit,
            **row.peers(),
        }
        samples: dict[str, list[Sample]] = {name: [] for name in contestants}
        names = list(contestants)
        for number in range(rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                on_round(f"{row.name}: {name}, round {number + 1} of {rounds}")
                sample = contestants[name]()
                if sample is not None:
                    samples[name].append(sample)
    return {name: figure_of(found) for name, found in samples.items() if found}


def figure_of(samples: Sequence[Sample]) -> Figure:
    """Return the medians of the samples."""
    values = [sample.value for sample in samples]
    return Figure(
        value=statistics.median(values),
        low=min(values),
        high=max(values),
        rounds=len(samples),
        cpu_ms=_medians([sample.cpu_ms for sample in samples]),
        facts=_medians([sample.facts for sample in samples]),
    )


def _medians(samples: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: statistics.median(sample[name] for sample in samples) for name in samples[0]}


def times_as_good(row: type[Row] | Row, ours: float, other: float) -> float:
    """Return how many times as good ours is as another value."""
    better, worse = (ours, other) if row.direction is Direction.HIGHER else (other, ours)
    return better / worse if worse else 0.0


def rate(
    operations: int, meter: CpuMeter, do: Callable[[], object], *, amount: float | None = None
) -> Sample:
    """Do all operations in one call; return their rate a second.

    ``amount`` is what the rate counts, if it is not operations: megabytes for example.
    """
    with meter.reading() as used:
        began = time.perf_counter()
        do()
        seconds = time.perf_counter() - began
    counted = operations if amount is None else amount
    return Sample(value=counted / seconds, cpu_ms=used.ms_per(operations), facts={})


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that ``share`` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
