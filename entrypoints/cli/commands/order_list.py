"""The list of orders.

It imports neither events nor localization, which would take longer than the list itself.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import click
import msgspec
from rich.table import Table

from domain.order.states import State
from domain.ports.order_queries import ALL_ORDERS, OrderFilter, OrderSummary
from domain.use_cases.order_listing import OrderListing
from entrypoints.cli.support.console import screen
from entrypoints.cli.support.moments import moment
from entrypoints.command_errors import MisuseError


class UnknownStateError(MisuseError):
    """The requested state does not exist."""

    def __init__(self, asked: str) -> None:
        self.asked = asked
        states = ", ".join(state.value for state in State if state is not State.NEW)
        super().__init__(f"No order is ever in the state {asked!r}: give one of {states}.")


def filter_of(
    *,
    state: str | None,
    is_held: bool,
    email: str | None,
    since: str | None,
    until: str | None,
    provider_id: str | None,
) -> OrderFilter:
    """The filter that the options of `orders list` specify.

    Raises UnknownStateError or UnknownMomentError.
    """
    now = datetime.now(UTC)
    return OrderFilter(
        state=_state_of(state) if state is not None else None,
        is_held=is_held,
        email=email.strip() if email is not None else None,
        paid_from=moment(since, now) if since is not None else None,
        paid_before=moment(until, now) if until is not None else None,
        provider_id=provider_id.strip() if provider_id is not None else None,
    )


def _state_of(asked: str) -> State:
    try:
        return State(asked.strip().lower())
    except ValueError as error:
        raise UnknownStateError(asked) from error


def show_list(listing: OrderListing, wanted: OrderFilter, limit: int, *, as_json: bool) -> None:
    """Print the newest orders that match, as a table or as JSON."""
    orders = listing.newest(limit, wanted)
    if as_json:
        for order in orders:
            click.echo(msgspec.json.encode(order))
    elif orders:
        screen().print(_table(orders))
    else:
        click.echo("There is no order yet." if wanted == ALL_ORDERS else "No order matches.")


def _table(orders: Sequence[OrderSummary]) -> Table:
    table = Table("Number", "State", "Restored", "Paid", "Paid at (UTC)", box=None, pad_edge=False)
    table.add_column("Id", overflow="fold")
    for order in orders:
        table.add_row(
            order.number,
            f"{order.state}, on hold" if order.is_held else order.state,
            f"{order.restored} of {order.images}",
            str(order.paid),
            f"{order.paid_at:%Y-%m-%d %H:%M:%S}",
            str(order.order_id),
        )
    return table
