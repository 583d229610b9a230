"""Rebuilding of the read models, with progress."""

import time
from collections.abc import Iterable
from datetime import timedelta

import click
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from domain.order.values import OrderId
from domain.ports.event_store import LeftOutOrder
from entrypoints.bootstrap.wording import counted, duration_text
from entrypoints.cli.support.console import screen
from entrypoints.command_errors import CommandFailedError

#: How many of the orders that cannot be read are printed: a log of a newer version may have very many.
MOST_NAMED = 20


class OrdersLeftOutError(CommandFailedError):
    """Some orders were not rebuilt, because their events cannot be read."""

    def __init__(self, orders: int) -> None:
        self.orders = orders
        super().__init__(
            f"{counted(orders, 'order')} left out, whose rows stay as they were: do what is said above, then run "
            "`restoreclick db rebuild` again."
        )


def rebuild(rebuilt: Iterable[OrderId | LeftOutOrder]) -> None:
    """Rebuild the read models, and show how many orders are done.

    Raises OrdersLeftOutError after all others were rebuilt.
    """
    began = time.monotonic()
    orders = 0
    left_out: list[LeftOutOrder] = []
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.completed} orders"),
        TimeElapsedColumn(),
        console=screen(),
        transient=True,
    ) as progress:
        task = progress.add_task("orders", total=None)
        for order in rebuilt:
            if isinstance(order, LeftOutOrder):
                left_out.append(order)
                continue
            orders += 1
            progress.update(task, completed=orders)
    took = duration_text(timedelta(seconds=time.monotonic() - began))
    click.echo(f"The read models of {counted(orders, 'order')} are written anew, in {took}.")
    for each in left_out[:MOST_NAMED]:
        click.echo(f"Order {each.order_id} was left out: {each.detail}.")
    if len(left_out) > MOST_NAMED:
        click.echo(f"And {len(left_out) - MOST_NAMED} more: `restoreclick orders attention` lists them.")
    if left_out:
        raise OrdersLeftOutError(len(left_out))
