"""Summarize many worlds: what was exercised, how often, and what never was."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from domain.order.values import FailureReason, HoldReason, PointsReason
from tests.simulation.faults import AT, Fault
from tests.simulation.shrinking import Shrunk
from tests.simulation.staff import STAFF_REQUESTS, fulfilled
from tests.simulation.world_run import Outcome

#: After this many worlds everything has occurred, unless something is no longer exercised.
ENOUGH_SEEDS = 500

#: What this many worlds may miss. A missing original takes a storage that loses what it confirmed, and few of
#: the rare orders that were paid with points are refunded. Both have model tests.
_RARE = frozenset({HoldReason.IMAGES_UNAVAILABLE, PointsReason.RETURNED})

#: Recoveries that have to occur in at least one world.
RECOVERIES = (
    "a bank decided",
    "a bank took money for the time being",
    "a customer was forgotten",
    "a link was issued anew",
    "a mail came back",
    "a mail was given up",
    "a mail whose reply was lost was flagged",
    "a message that came again changed nothing",
    "a person let an order go on",
    "a photo was given up",
    *(f"a photo was lost by the storage: {reason}" for reason in FailureReason if reason.is_lost_file),
    "a prediction was cancelled",
    "a redo was given up",
    "a small result went on to be enlarged",
    "a refund failed and was owed again",
    "a refund that was paid elsewhere was dropped",
    "a refund was found instead of paid again",
    "a transaction that stood still was ended",
    "a transaction waited for another's row",
    *map(fulfilled, sorted(set(STAFF_REQUESTS))),
    *(f"an attempt failed: {reason}" for reason in FailureReason),
    *(f"an order was held: {reason}" for reason in HoldReason if reason not in _RARE),
    "an outcome was discarded because the lease was lost",
    "housekeeping found something to do",
    "old code left alone what it does not know",
    *(f"points were moved: {reason}" for reason in PointsReason if reason not in _RARE),
    "reconciliation repaired: notice_lost",
    "reconciliation repaired: prediction_not_on_record",
    "reminders found something to do",
    "retention found something to do",
    "the sweeper sent something again or admitted it",
    "unmatched payments found something to do",
    "work of a dead worker was taken over",
)


@dataclass
class Report:
    """The sums of many outcomes."""

    seeds: int = 0
    orders: int = 0
    events: int = 0
    faults: int = 0
    on_scheduled: int = 0  # of the faults
    seconds: float = 0.0  # of all processes' time
    runs_twice: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    tally: Counter[tuple[str, Fault]] = field(default_factory=Counter)
    recoveries: Counter[str] = field(default_factory=Counter)
    broken: list[Outcome] = field(default_factory=list)
    unlike: list[int] = field(default_factory=list)  # seeds whose second run differed

    def take(self, outcome: Outcome) -> None:
        """Add one outcome."""
        self.seeds += 1
        self.orders += outcome.orders
        self.events += outcome.events
        self.faults += sum(outcome.tally.values())
        self.on_scheduled += outcome.on_scheduled
        self.seconds += outcome.seconds
        self.ended += outcome.ended
        self.tally += outcome.tally
        self.recoveries += outcome.recoveries
        if not outcome.holds:
            self.broken.append(outcome)

    @property
    def unexercised(self) -> list[str]:
        """Faults and recoveries that never occurred, if there were enough seeds."""
        if self.seeds < ENOUGH_SEEDS:
            return []
        faults = (
            f"{kind}: {fault}"
            for kind, faults in AT.items()
            for fault in faults
            if not self.tally[kind, fault]
        )
        return [*faults, *(name for name in RECOVERIES if not self.recoveries[name])]

    @property
    def holds(self) -> bool:
        """Whether every law held, every rerun agreed and everything was exercised."""
        return not (self.broken or self.unlike or self.unexercised)

    @property
    def orders_a_minute(self) -> float:
        """Simulated orders in a minute of one core."""
        return 60 * self.orders / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "seeds": self.seeds,
            "orders": self.orders,
            "events": self.events,
            "faults_on_chores": self.on_scheduled,
            "faults": {f"{kind}: {fault}": times for (kind, fault), times in sorted(self.tally.items())},
            "recoveries": dict(sorted(self.recoveries.items())),
            "orders_ended": dict(sorted(self.ended.items())),
            "orders_a_minute_and_core": round(self.orders_a_minute),
            "run_twice": self.runs_twice,
            "unlike": self.unlike,
            "unexercised": self.unexercised,
            "broken": [
                {"seed": each.seed, "law": each.law, "sentence": each.sentence} for each in self.broken
            ],
        }


def show(report: Report, console: Console) -> None:
    """Print the tables and the verdict."""
    faults = Table("what went wrong", "where", "times", title="Faults", title_justify="left")
    for kind, each in AT.items():
        for fault in each:
            faults.add_row(fault, kind, f"{report.tally[kind, fault]:,}")
    console.print(faults)
    recovered = Table("what the shop did about it", "times", title="Recoveries", title_justify="left")
    for name in sorted({*RECOVERIES, *report.recoveries}):
        recovered.add_row(name, f"{report.recoveries[name]:,}")
    console.print(recovered)
    for sentence in _sentences(report):
        console.print(sentence, soft_wrap=True)


def _sentences(report: Report) -> Iterator[str]:
    ended = ", ".join(f"{times:,} {state}" for state, times in sorted(report.ended.items()))
    yield (
        f"{report.seeds:,} worlds, {report.orders:,} orders ({ended}), {report.events:,} events, "
        f"{report.faults:,} faults, {report.on_scheduled:,} of them on what runs by the clock; "
        f"{report.orders_a_minute:,.0f} orders a minute and core."
    )
    if report.runs_twice:
        yield f"{report.runs_twice:,} worlds were run twice, {len(report.unlike):,} of them unlike: {report.unlike}"
    if report.seeds < ENOUGH_SEEDS:
        yield f"Too few worlds to tell whether anything is never exercised: that takes {ENOUGH_SEEDS}."
    for name in report.unexercised:
        yield f"[red]Never exercised: {name}[/red]"
    verdict = "Every law held." if report.holds else "[red]It does not hold.[/red]"
    yield verdict


def show_broken(shrunk: Shrunk, console: Console) -> None:
    """Print a broken law with its shrunk world, faults and timeline."""
    outcome = shrunk.outcome
    console.print(f"\n[red]Seed {outcome.seed}: {_plain(outcome.sentence)}[/red]", soft_wrap=True)
    console.print(
        f"Shrunk in {shrunk.runs} runs to {len(shrunk.participants)} of those who take part "
        f"and {len(shrunk.faults)} faults:"
    )
    for fault in shrunk.faults:
        console.print(f"  {_plain(fault)}", soft_wrap=True)
    console.print("To see it again:")
    console.print(f"  {shrunk.command}", markup=False, soft_wrap=True)
    show_lines(outcome.timeline, console)


def show_lines(lines: Iterable[str], console: Console) -> None:
    """Print a timeline, line by line."""
    console.print("What happened (days, hours, who, what):")
    for line in lines:
        console.print(f"  {line}", markup=False, soft_wrap=True)


def _plain(text: str) -> str:
    return text.replace("[", "\\[")
