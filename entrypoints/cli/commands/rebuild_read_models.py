"""Rebuilding of the read models, with progress."""

import time
from collections.abc import Iterable, Sequence
from datetime import timedelta

import click
import msgspec

from domain.order.values import OrderId
from domain.ports.event_store import LeftOutOrder
from entrypoints.bootstrap.wording import counted, duration_text
from entrypoints.cli.support.counting_progress import counting_progress
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


def rebuild(rebuilt: Iterable[OrderId | LeftOutOrder], *, as_json: bool = False) -> None:
    """Rebuild the read models, and show how many orders are done.

    Raises OrdersLeftOutError after all others were rebuilt.
    """
    began = time.monotonic()
    orders = 0
    left_out: list[LeftOutOrder] = []
    with counting_progress("orders") as show:
        for order in rebuilt:
            if isinstance(order, LeftOutOrder):
                left_out.append(order)
                continue
            orders += 1
            show(orders)
    seconds = time.monotonic() - began
    if as_json:
        document = {
            "orders": orders,
            "seconds": round(seconds, 3),
            "left_out": {str(each.order_id): each.detail for each in left_out},
        }
        click.echo(msgspec.json.encode(document))
    else:
        _print(orders, seconds, left_out)
    if left_out:
        raise OrdersLeftOutError(len(left_out))


def _print(orders: int, seconds: float, left_out: Sequence[LeftOutOrder]) -> None:
    took = duration_text(timedelta(seconds=seconds))
    click.echo(f"The read models of {counted(orders, 'order')} are written anew, in {took}.")
    for each in left_out[:MOST_NAMED]:
        click.echo(f"Order {each.order_id} was left out: {each.detail}.")
    if len(left_out) > MOST_NAMED:
        click.echo(f"And {len(left_out) - MOST_NAMED} more: `restoreclick orders attention` lists them.")
