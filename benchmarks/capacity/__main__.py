"""Find the rate that the shop sustains: ``make load``."""

import json
import sys
import tempfile
from pathlib import Path

import rich_click as click
from rich.console import Console

from benchmarks.capacity.report import as_json, show
from benchmarks.capacity.run import Plan, run

#: Wide enough for every column of the table.
WIDTH = 190


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--apis", type=click.IntRange(1, 8), default=Plan.apis, show_default=True)
@click.option("--workers", type=click.IntRange(1, 8), default=Plan.workers, show_default=True)
@click.option(
    "--photos", type=click.IntRange(1, 50), default=Plan.photos, show_default=True, help="Of an order."
)
@click.option(
    "--width", type=click.IntRange(64, 8000), default=Plan.width, show_default=True, help="Of a photo."
)
@click.option(
    "--first-rate",
    type=click.FloatRange(0.1, 1000),
    default=Plan.first_rate,
    show_default=True,
    help="Orders a second of the first step; each further one has half as many again.",
)
@click.option("--steps", type=click.IntRange(1, 30), default=Plan.steps, show_default=True, help="At most.")
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3600),
    default=Plan.step_seconds,
    show_default=True,
    help="Of a step.",
)
@click.option(
    "--slow",
    type=click.FloatRange(0.1, 600),
    default=Plan.slow_seconds,
    show_default=True,
    help="Seconds within which 95 % of the customers have paid; more is the knee.",
)
@click.option("--json", "as_document", is_flag=True, help="Print one JSON document instead of the table.")
def main(
    *,
    apis: int,
    workers: int,
    photos: int,
    width: int,
    first_rate: float,
    steps: int,
    seconds: float,
    slow: float,
    as_document: bool,
) -> None:
    """Send customers at rising rates until the shop no longer keeps up.

    In the second step an API and a worker are killed and restarted. At the end every paid order must have ended, and
    the laws must hold: otherwise the status is 1.
    """
    plan = Plan(
        apis=apis,
        workers=workers,
        photos=photos,
        width=width,
        first_rate=first_rate,
        steps=steps,
        step_seconds=seconds,
        slow_seconds=slow,
    )
    progress = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory(prefix="restoreclick-") as folder,
        progress.status("starting") as status,
    ):
        outcome = run(plan, Path(folder), on_step=status.update)
    if as_document:
        sys.stdout.write(json.dumps(as_json(outcome), indent=2) + "\n")
    else:
        show(outcome, Console(width=WIDTH))
    sys.exit(1 if outcome.broken else 0)


if __name__ == "__main__":
    main()
