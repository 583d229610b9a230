"""The read models written anew, with something to watch meanwhile."""

import time
from datetime import timedelta

import click
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from domain.ports.unit_of_work import Books
from domain.use_cases.wording.labels import counted, lasting
from entrypoints.cli.support.console import screen


def rebuild(books: Books) -> None:
    """Rebuild, and tell how many orders that were."""
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
        for orders, _ in enumerate(books.rebuild(), start=1):
            progress.update(task, completed=orders)
    took = lasting(timedelta(seconds=time.monotonic() - began))
    click.echo(f"The read models of {counted(orders, 'order')} are written anew, in {took}.")
