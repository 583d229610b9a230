"""Rebuilding of the read models, with progress."""

import time
from collections.abc import Iterable
from datetime import timedelta

import click
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from domain.order.values import OrderId
from entrypoints.bootstrap.wording import counted, duration_text
from entrypoints.cli.support.console import screen


def rebuild(rebuilt: Iterable[OrderId]) -> None:
    """Rebuild the read models, and show how many orders are done."""
    began = time.monotonic()
    orders = 0
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.completed} orders"),
        TimeElapsedColumn(),
        console=screen(),
        transient=True,
    ) as progress:
        task = progress.add_task("orders", total=None)
        for orders, _ in enumerate(rebuilt, start=1):
            progress.update(task, completed=orders)
    took = duration_text(timedelta(seconds=time.monotonic() - began))
    click.echo(f"The read models of {counted(orders, 'order')} are written anew, in {took}.")
