"""The `events` group: show the log, verify it, archive finished orders."""
# ruff: noqa: PLC0415 -- each command imports what it needs only when it runs

import os
from pathlib import Path

import rich_click as click

from entrypoints.cli.commands.shared_options import MOST_ROWS, json_option


@click.group("events")
def log_commands() -> None:
    """Show, verify and archive the log."""


@log_commands.command()
@click.option("--follow", is_flag=True, help="Go on with what is recorded from now on, until Ctrl-C.")
@click.option(
    "--limit", type=click.IntRange(min=1, max=MOST_ROWS), help="Only this many of what is there, the newest."
)
@json_option
def tail(limit: int | None, *, follow: bool, as_json: bool) -> None:
    """The whole log, all orders, in the order it was committed."""
    from entrypoints.bootstrap.queries import open_queries
    from entrypoints.cli.commands.events import show_log

    with open_queries() as queries:
        show_log(queries, limit, follow=follow, as_json=as_json)


@log_commands.command("verify")
@click.option(
    "--against",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="HEAD.json",
    help="A head that was printed with --json before and kept elsewhere: all it knows has to be there still.",
)
@json_option
def verify_log(against: Path | None, *, as_json: bool) -> None:
    """Check that no event was changed, removed or put in, and print the head of the log."""
    from entrypoints.bootstrap.queries import open_queries
    from entrypoints.cli.commands.verify_log import verify_log

    with open_queries(processes=os.cpu_count() or 1) as queries:
        verify_log(queries.chained_events(), against, as_json=as_json)


@log_commands.command("archive")
@click.option(
    "--before",
    default="365d",
    show_default=True,
    help="Orders without an event since then: 365d, or an ISO date.",
)
@json_option
def archive_log(before: str, *, as_json: bool) -> None:
    """Move finished orders to tables by month while the shop runs, so that the live part of the log stays small.

    Every command reads them as before, and an order that something happens to comes back by itself.
    """
    from datetime import UTC, datetime

    from entrypoints.bootstrap.log_archive import archive
    from entrypoints.cli.commands.archive_log import archive_log
    from entrypoints.cli.support.moments import moment
    from entrypoints.database_setting import read_database_url

    ended = moment(before, datetime.now(UTC))
    archive_log(archive(read_database_url(), ended), as_json=as_json)
