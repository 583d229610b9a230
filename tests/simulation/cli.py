"""The simulation's command line."""

import json
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from functools import partial

import rich_click as click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from entrypoints.cli.support.console import screen
from tests.simulation.batch_run import campaign
from tests.simulation.exhaustive import HISTORIES, crashed, exhaust
from tests.simulation.faults import Plan
from tests.simulation.participants import Participant, all_participants
from tests.simulation.planted import PLANTED
from tests.simulation.reporting import Report, show, show_broken, show_lines
from tests.simulation.shrinking import Shrunk, shrink
from tests.simulation.world_run import VISITORS, Outcome, run

#: The first broken worlds that are shrunk and printed; more would add little.
MOST_SHRUNK = 3

_SEEDS = 1 << 32

HISTORY = {history.name: history for history in HISTORIES}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--seeds", type=click.IntRange(min=1), default=100, show_default=True, help="How many worlds to run."
)
@click.option("--first", type=int, help="The first seed; the others follow. Drawn unless told.")
@click.option("--seed", type=int, help="Run this one world and tell what happened.")
@click.option(
    "--part", "parts", multiple=True, help="With --seed: only these take part ('visitor 3', 'staff')."
)
@click.option("--fault", "faults", multiple=True, help="With --seed: only these faults strike.")
@click.option("--no-faults", is_flag=True, help="With --seed: nothing goes wrong.")
@click.option("--visitors", default=VISITORS, show_default=True, help="How many customers a world has.")
@click.option(
    "--plant", type=click.Choice(sorted(PLANTED)), metavar="BUG", help="Plant a bug: it has to be found."
)
@click.option("--planted", "all_planted", is_flag=True, help="Plant every bug, one after the other.")
@click.option("--exhaustive", is_flag=True, help="Crash canonical orders at every commit and call.")
@click.option(
    "--history", type=click.Choice(sorted(HISTORY)), metavar="NAME", help="Tell one canonical order."
)
@click.option("--crash", "crashes", multiple=True, help="With --history: with these crashes in it.")
@click.option("--trace", "keeps_trace", is_flag=True, help="With --seed: every line of what happened.")
@click.option("--services", "without_http", is_flag=True, help="Call the services themselves, without HTTP.")
@click.option("--jobs", default=os.cpu_count() or 1, show_default="cores", help="How many processes.")
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON document.")
def simulate(
    *,
    seeds: int,
    first: int | None,
    seed: int | None,
    parts: Sequence[str],
    faults: Sequence[str],
    no_faults: bool,
    visitors: int,
    plant: str | None,
    all_planted: bool,
    exhaustive: bool,
    history: str | None,
    crashes: Sequence[str],
    keeps_trace: bool,
    without_http: bool,
    jobs: int,
    as_json: bool,
) -> None:
    """Let the whole shop live through bad days under a virtual clock, and hold it to its laws."""
    console = screen()
    if seed is not None:
        plan = Plan(only=frozenset(faults)) if faults or no_faults else None
        outcome = run(
            seed,
            _selected(parts, visitors),
            plan=plan,
            plant=plant,
            keeps_trace=keeps_trace,
            without_http=without_http,
        )
        is_whole = plan is None and not keeps_trace
        shrunk = (
            shrink(outcome, _selected(parts, visitors), plant=plant)
            if is_whole and not outcome.holds
            else None
        )
        sys.exit(_report_one(outcome, shrunk, console))
    if history is not None:
        sys.exit(_report_one(crashed(HISTORY[history], crashes or ("none",)), None, console))
    if all_planted:
        sys.exit(_all_planted(console, visitors))
    if exhaustive:
        sys.exit(exhaust(console, jobs))
    begin = secrets.randbelow(_SEEDS) if first is None else first
    run_all = partial(campaign, visitors=visitors, plant=plant, jobs=jobs, without_http=without_http)
    sys.exit(_many(range(begin, begin + seeds), run_all, visitors, plant, as_json=as_json))


def _selected(parts: Sequence[str], visitors: int) -> tuple[Participant, ...]:
    """Select the named participants, or all participants."""
    if not parts:
        return all_participants(visitors)
    numbers = [int(number) for name in parts if (number := name.removeprefix("visitor ")).isdecimal()]
    whole = {part.name: part for part in all_participants(max(numbers, default=0))}
    unknown = sorted(set(parts) - whole.keys())
    if unknown:
        raise click.UsageError(
            f"No participant is called {', '.join(unknown)}: say 'visitor 3', 'staff' or 'forger'."
        )
    return tuple(part for name, part in whole.items() if name in parts)


def _report_one(outcome: Outcome, shrunk: Shrunk | None, console: Console) -> int:
    """Print the outcome of one world; return the exit status."""
    if outcome.trace:
        show_lines(outcome.trace, console)
    if outcome.holds:
        console.print(
            f"Seed {outcome.seed}: every law held. {outcome.orders} orders, {outcome.events} events, "
            f"{len(outcome.struck)} faults, {outcome.seconds:.1f} s; trace {outcome.digest[:16]}."
        )
        return 0
    if shrunk is not None:
        show_broken(shrunk, console)
    else:
        console.print(f"Seed {outcome.seed}: {outcome.sentence}", style="red", markup=False, soft_wrap=True)
        if not outcome.trace:
            show_lines(outcome.timeline, console)
    return 1


def _many(
    seeds: range, run_all: Callable[..., Report], visitors: int, plant: str | None, *, as_json: bool
) -> int:
    console = Console(stderr=True) if as_json else screen()
    console.print(
        f"{len(seeds)} worlds, from seed {seeds.start} on; `--first {seeds.start}` runs them again."
    )
    report = _watched(seeds, run_all, console)
    if as_json:
        sys.stdout.write(json.dumps(report.as_json(), indent=2) + "\n")
    else:
        show(report, console)
    for outcome in report.broken[:MOST_SHRUNK]:
        show_broken(shrink(outcome, visitors, plant=plant), console)
    return 0 if report.holds else 1


def _watched(seeds: range, run_all: Callable[..., Report], console: Console) -> Report:
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("worlds", total=len(seeds))

        def watch(outcome: Outcome) -> None:
            progress.advance(task)
            if not outcome.holds:
                console.print(f"Seed {outcome.seed} breaks law {outcome.law}.", style="red")

        return run_all(seeds, watch=watch)


def _all_planted(console: Console, visitors: int) -> int:
    missed = 0
    for name, bug in PLANTED.items():
        found = (seed for seed in bug.seeds if bug.is_found_in(run(seed, visitors, plant=name)))
        seed = next(found, None)
        missed += seed is None
        result = "[red]not found[/red]" if seed is None else f"found by seed {seed}"
        console.print(f"Law {bug.law:>2}, {name}: {result}.", soft_wrap=True)
    return min(missed, 1)
