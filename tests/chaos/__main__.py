"""Inject faults into the real shop under load, then check the laws."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import SystemRandom

from rich.console import Console
from rich.text import Text

from entrypoints.cli.support.console import screen
from entrypoints.command_errors import CommandFailedError
from sandbox.demo.errors import DemoError
from sandbox.signal_handling import EndedBySignalError, ending_in_order
from tests.chaos.faults import TRACKS
from tests.chaos.outcome import Outcome
from tests.chaos.planted_bugs import PLANTS, environment_with
from tests.chaos.report import Screen, json_report, print_report
from tests.chaos.run import run
from tests.chaos.schedule import scheduled

SECONDS = 120.0
#: What two otherwise idle cores sustain while faults strike.
ORDERS_PER_SECOND = 4.0


def main() -> None:
    """Run and report.

    Exits with status 0 if nothing was found, 1 if something was, 2 if a planted bug was not.
    """
    arguments = _arguments()
    console = Console(stderr=True, highlight=False) if arguments.json else screen()
    seed = SystemRandom().randrange(1_000_000) if arguments.seed is None else arguments.seed
    schedule = scheduled(
        seed,
        seconds=arguments.seconds,
        orders_per_second=arguments.orders_per_second,
        tracks=TRACKS,
    )
    console.print(
        Text(f"Seed {seed}: {len(schedule.visits)} visitors, {sum(map(len, schedule.tracks))} faults")
    )
    try:
        with (
            ending_in_order(),
            _folder(arguments.data) as data_dir,
            Screen(console, schedule.seconds) as watcher,
        ):
            outcome = run(schedule, data_dir, environment_with(arguments.plant), watcher)
    except EndedBySignalError:
        sys.exit("The run was ended before its time; nothing of it is running any more.")
    except (CommandFailedError, DemoError) as error:
        sys.exit(str(error))
    print_report(console, outcome)
    if arguments.json:
        sys.stdout.write(json_report(outcome) + "\n")
    for failure in outcome.failures:
        console.print(Text(failure, style="red"), soft_wrap=True)
    status, word = verdict(outcome, arguments)
    console.print(Text(word), soft_wrap=True)
    sys.exit(status)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument(
        "--seed", type=int, help="the faults and customers of a former run; drawn unless given"
    )
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="how long faults strike and customers come"
    )
    parser.add_argument(
        "--orders-per-second", type=float, default=ORDERS_PER_SECOND, help="how many they order"
    )
    parser.add_argument(
        "--data", type=Path, help="a new folder to keep everything in: logs, databases, ledgers"
    )
    parser.add_argument("--plant", choices=sorted(PLANTS), help="a bug that the run has to find")
    parser.add_argument("--json", action="store_true", help="one document for programs on stdout")
    return parser.parse_args()


@contextmanager
def _folder(wanted: Path | None) -> Iterator[Path]:
    """The named folder, which is kept, or a temporary one."""
    if wanted is not None:
        if wanted.exists() and any(wanted.iterdir()):
            raise CommandFailedError(
                f"{wanted} is not empty: name a new folder, for a run begins with an empty database."
            )
        yield wanted
        return
    with tempfile.TemporaryDirectory(prefix="restoreclick-") as folder:
        yield Path(folder)


def verdict(outcome: Outcome, arguments: argparse.Namespace) -> tuple[int, str]:
    """The exit status, and the advice to print.

    A planted bug is found only if its own law is broken.
    """
    if plant := arguments.plant:
        law = PLANTS[plant].law
        if outcome.breaches[law]:
            return (
                1,
                f"“{plant}” was planted, which breaks law {law}, and that was found: the run has done its work.",
            )
        return 2, (
            f"“{plant}” was planted, and law {law} was kept all the same: either no fault gave it an occasion "
            f"(a run of {SECONDS:g} s has all of them), or the checkers are blind to it."
        )
    if not outcome.failures:
        return 0, "Nothing was found."
    again = f"python -m tests.chaos --seed {outcome.schedule.seed} --seconds {arguments.seconds:g}"
    where = arguments.data or "DIR"
    kept = f"Everything is kept in {where}" if arguments.data else f"Add --data {where} to keep everything"
    return 1, (
        f"What to do next: {again} --orders-per-second {arguments.orders_per_second:g} plans the same again. "
        f"{kept}: logs/ tells what each process said, and `restoreclick orders history` an order's story."
    )


if __name__ == "__main__":
    main()
