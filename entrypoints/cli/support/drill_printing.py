"""Printing of the report on a restore drill."""

from collections.abc import Mapping

import click
import msgspec

from domain.use_cases.recovery.restore_drill import DrillProblem, DrillReport
from entrypoints.bootstrap.wording import counted, duration_text, finding_text_of

_PROBLEMS: Mapping[DrillProblem, str] = {
    DrillProblem.LOG_DAMAGED: "Events are not what was recorded: run `restoreclick events verify` on the shop, and "
    "if that is well, make a new backup.",
    DrillProblem.BACKUP_INCOMPLETE: "It lacks the event that its manifest names: make a new backup, and look at the "
    "storage of the backups.",
    DrillProblem.TOO_FAR_BEHIND: "It is more than a minute behind the shop: PostgreSQL does not archive its log, or "
    "not in time; look at `restoreclick backup list` and at PostgreSQL's messages.",
    DrillProblem.ORDERS_LEFT_OUT: "Some orders could not be rebuilt: `restoreclick orders attention` on the shop "
    "lists those whose events cannot be read.",
    DrillProblem.DIFFERENCES: "The restored database differs from its own log or from the storage, as said above.",
    DrillProblem.NOT_COMPARED: "The storage of the photos was not available: run the drill again.",
}


def print_drill(report: DrillReport, *, as_json: bool) -> None:
    """Print what was restored, and each problem with what to do."""
    if as_json:
        document = msgspec.to_builtins(report) | {"behind": report.behind.total_seconds()}
        click.echo(msgspec.json.encode(document))
        return
    restored_to = f", up to {report.restored_to:%Y-%m-%d %H:%M:%S} (UTC)" if report.restored_to else ""
    click.echo(
        f"Backup {report.backup_id} was restored{restored_to}: {counted(report.events, 'event')} of "
        f"{counted(report.orders, 'order')}."
    )
    if report.newest_head_at is None:
        click.echo("The storage has no head of the log yet, so nothing shows how far the shop was ahead.")
    elif report.has_newest_head:
        click.echo(
            f"It has the newest head, of {report.newest_head_at:%Y-%m-%d %H:%M:%S} (UTC): nothing is lost."
        )
    else:
        click.echo(
            f"It lacks what was recorded in the last {duration_text(report.behind)} before the newest head."
        )
    click.echo(f"The read models of {counted(report.rebuilt, 'order')} were rebuilt.")
    if report.log_findings:
        click.echo(f"{counted(report.log_findings, 'finding')} in the chain of the log.")
    for finding in report.findings:
        click.echo(f"  {finding.what} {finding.subject}: {finding_text_of(finding).wrong}")
    for problem in report.problems:
        click.echo(_PROBLEMS[problem])
    click.echo("The drill failed." if report.problems else "The drill succeeded.")
