"""The reconciliation report: findings of each side, with advice."""

import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import click
import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from domain.use_cases.reconciliation.findings import Finding, Foreign, Report, Side, foreign_kinds
from domain.use_cases.reconciliation.run import Reconciliation
from entrypoints.bootstrap.wording import SIDES, counted, finding_text_of, listed
from entrypoints.cli.support.console import screen
from entrypoints.cli.support.moments import moment

#: How many items that are not this shop's are listed on a terminal.
SHOWN_FOREIGN = 20


def reconcile(
    reconciliation: Reconciliation, since: str, *, repairs: bool, reads_bytes: bool, as_json: bool
) -> bool:
    """Reconcile and print the report; return whether all sides agree.

    On request it repairs what is safe to repair. Raises UnknownMomentError.
    """
    from_then = moment(since, datetime.now(UTC))
    with _watching() as watch:
        report = reconciliation.compare(from_then, repairs=repairs, reads_bytes=reads_bytes, watch=watch)
    if as_json:
        _print_json(report)
    else:
        _print(screen(), report)
    for defect in report.defects:
        click.echo("".join(traceback.format_exception(defect)), err=True)
    return report.agrees


@contextmanager
def _watching() -> Iterator[Callable[[Side, int], None]]:
    """A transient progress line, only if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield lambda side, things: None  # noqa: ARG005 -- no terminal to show it on
        return
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}: {task.completed} looked at"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        tasks: dict[Side, TaskID] = {}

        def watch(side: Side, things: int) -> None:
            if side not in tasks:
                tasks[side] = progress.add_task(SIDES[side], total=None)
            progress.advance(tasks[side], things)

        yield watch


def _print(console: Console, report: Report) -> None:
    console.print(f"Compared since {report.since:%Y-%m-%d %H:%M} (UTC).")
    for side, name in SIDES.items():
        findings = [finding for finding in report.findings if finding.side is side]
        problem = report.cut_off.get(side) or report.closed.get(side)
        console.print()
        console.print(Text(name, style="bold"), end="")
        console.print(f": {_summary(findings, report, side)}", markup=False, soft_wrap=True)
        if problem is not None:
            console.print(f"  {problem}", markup=False, soft_wrap=True)
        for finding in findings:
            _print_finding(console, finding)
    if report.foreign:
        _print_foreign(console, report.foreign)
    console.print(f"\n{_ending(report)}", markup=False, soft_wrap=True)


def _summary(findings: list[Finding], report: Report, side: Side) -> str:
    if side in report.closed:
        return "not compared"
    repaired = sum(finding.is_repaired for finding in findings)
    parts = [
        *([f"{counted(len(findings) - repaired, 'finding')}"] if len(findings) > repaired else []),
        *([f"{repaired} repaired"] if repaired else []),
        *(["not compared to the end"] if side in report.cut_off else []),
    ]
    return ", ".join(parts) or "agrees"


def _print_finding(console: Console, finding: Finding) -> None:
    since = f" (since {finding.since:%Y-%m-%d %H:%M})" if finding.since else ""
    verdict = Text("repaired ", style="green") if finding.is_repaired else Text("wrong    ", style="red")
    about = (
        f", order {finding.order_id}" if finding.order_id and str(finding.order_id) != finding.subject else ""
    )
    console.print(Text("  ") + verdict + Text(f"{finding.subject}{about}{since}"), soft_wrap=True)
    text = finding_text_of(finding)
    console.print(f"           {text.wrong}", markup=False, soft_wrap=True)
    if not finding.is_repaired:
        console.print(f"           {text.advice}", markup=False, soft_wrap=True)


def _print_foreign(console: Console, foreign: Sequence[Foreign]) -> None:
    console.print()
    console.print(Text("Not of this shop, and left alone", style="bold"), end="")
    kinds = [counted(number, kind) for kind, number in sorted(foreign_kinds(foreign).items())]
    console.print(f": {listed(kinds)}", markup=False, soft_wrap=True)
    for each in foreign[:SHOWN_FOREIGN]:
        since = f" (since {each.since:%Y-%m-%d %H:%M})" if each.since else ""
        console.print(f"  {each.kind} {each.subject}{since}", markup=False, soft_wrap=True)
    if len(foreign) > SHOWN_FOREIGN:
        more = len(foreign) - SHOWN_FOREIGN
        console.print(f"  and {more} more; `--json` lists all", markup=False, soft_wrap=True)


def _ending(report: Report) -> str:
    left_out = [SIDES[side] for side in (*report.closed, *report.cut_off)]
    beyond = f", as far as they were compared; {listed(left_out)} could not be" if left_out else ""
    if not report.remaining:
        return f"Log and providers agree{beyond}."
    others = f"; {listed(left_out)} could not be compared" if left_out else ""
    return f"Log and providers disagree: {counted(len(report.remaining), 'finding')} to look at{others}."


def _document(finding: Finding) -> Mapping[str, object]:
    text = finding_text_of(finding)
    return {
        "side": finding.side,
        "what": finding.what,
        "subject": finding.subject,
        "order_id": finding.order_id,
        "since": finding.since,
        "wrong": text.wrong,
        "advice": text.advice,
        "is_healed": finding.is_repaired,
    }


def _print_json(report: Report) -> None:
    """Print a JSON line for each finding, and a summary last."""
    for finding in report.findings:
        click.echo(msgspec.json.encode(_document(finding)))
    whole = {
        "agrees": report.agrees,
        "since": report.since,
        "until": report.until,
        "findings": len(report.findings),
        "remaining": len(report.remaining),
        "closed": report.closed,
        "cut_off": report.cut_off,
        "foreign": report.foreign,
    }
    click.echo(msgspec.json.encode(whole))
