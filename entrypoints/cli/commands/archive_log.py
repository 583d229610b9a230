"""Archiving of finished orders, with progress."""

import time
from collections.abc import Iterable
from datetime import timedelta

import click
import msgspec

from domain.ports.event_store import ArchivedBatch
from entrypoints.bootstrap.wording import counted, duration_text
from entrypoints.cli.support.counting_progress import counting_progress


def archive_log(batches: Iterable[ArchivedBatch], *, as_json: bool) -> None:
    """Move finished orders, and show how many are done."""
    began = time.monotonic()
    orders = events = in_use = 0
    with counting_progress("orders") as show:
        for batch in batches:
            orders, events, in_use = orders + batch.orders, events + batch.events, in_use + batch.in_use
            show(orders)
    seconds = time.monotonic() - began
    if as_json:
        document = {"orders": orders, "events": events, "in_use": in_use, "seconds": round(seconds, 3)}
        click.echo(msgspec.json.encode(document))
        return
    took = duration_text(timedelta(seconds=seconds))
    click.echo(f"{counted(orders, 'finished order')} archived, with {counted(events, 'event')}, in {took}.")
    if in_use:
        click.echo(f"{counted(in_use, 'order')} in use just now: the next run archives what is finished.")
