"""Archiving of finished orders, with progress."""

import time
from collections.abc import Iterable
from datetime import timedelta

import click
import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from domain.ports.event_store import ArchivedBatch
from entrypoints.bootstrap.wording import counted, duration_text


def archive_log(batches: Iterable[ArchivedBatch], *, as_json: bool) -> None:
    """Move finished orders, and show how many are done."""
    began = time.monotonic()
    orders = events = in_use = 0
    console = Console(stderr=True)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.completed} orders"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("orders", total=None)
        for batch in batches:
            orders, events, in_use = orders + batch.orders, events + batch.events, in_use + batch.in_use
            progress.update(task, completed=orders)
    seconds = time.monotonic() - began
    if as_json:
        document = {"orders": orders, "events": events, "in_use": in_use, "seconds": round(seconds, 3)}
        click.echo(msgspec.json.encode(document))
        return
    took = duration_text(timedelta(seconds=seconds))
    click.echo(f"{counted(orders, 'finished order')} archived, with {counted(events, 'event')}, in {took}.")
    if in_use:
        click.echo(f"{counted(in_use, 'order')} in use just now: the next run archives what is finished.")
