"""Measure every row beside its limit and its peers: ``make benchmarks``."""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import rich_click as click
from rich.console import Console

from benchmarks.measure import measure
from benchmarks.report import Measured, as_json, machine, show
from benchmarks.rows import ROWS
from benchmarks.servers import Servers

#: Wide enough for every column of the table.
WIDTH = 170


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--only",
    multiple=True,
    type=click.Choice([row.name for row in ROWS]),
    help="Measure this row; repeatable.",
)
@click.option(
    "--rounds", type=click.IntRange(min=1), help="How many rounds, instead of each row's own number."
)
@click.option("--quick", is_flag=True, help="One round of few operations: shows that it works, not how fast.")
@click.option(
    "--large",
    is_flag=True,
    help="A million orders for `growth` and `archive`; each takes half an hour.",
)
@click.option(
    "--filled", type=click.IntRange(min=0), default=0, help="How many orders each database begins with."
)
@click.option("--json", "as_document", is_flag=True, help="Print one JSON document instead of the table.")
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Compare with the --json document of an earlier run.",
)
def main(
    *,
    only: Sequence[str],
    rounds: int | None,
    quick: bool,
    large: bool,
    filled: int,
    as_document: bool,
    against: Path | None,
) -> None:
    """Measure the shop beside the limits of the machine and beside peers, on one PostgreSQL."""
    earlier = json.loads(against.read_text()) if against else None
    chosen = [row for row in ROWS if not only or row.name in only]
    progress = Console(stderr=True)
    measured: list[Measured] = []
    with (
        tempfile.TemporaryDirectory(prefix="restoreclick-") as folder,
        Servers(Path(folder), needs_shop=any(row.needs_shop for row in chosen), filled=filled) as servers,
        progress.status("starting") as status,
    ):
        facts = machine(servers.postgresql_version, quick=quick, filled=filled)
        for kind in chosen:
            row = kind(servers, quick=quick, large=large)
            number = rounds or (1 if quick else row.rounds)
            try:
                figures = measure(row, number, on_round=status.update)
            except Exception as error:  # noqa: BLE001 -- the other rows are measured all the same
                progress.print_exception(max_frames=8)
                measured.append(Measured(row=kind, figures={}, problem=f"{type(error).__name__}: {error}"))
            else:
                measured.append(Measured(row=kind, figures=figures))
    if as_document:
        sys.stdout.write(json.dumps(as_json(measured, facts), indent=2) + "\n")
    else:
        show(measured, facts, Console(width=WIDTH), earlier)
    sys.exit(1 if any(each.problem for each in measured) else 0)


if __name__ == "__main__":
    main()
