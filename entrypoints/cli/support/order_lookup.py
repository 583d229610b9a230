"""Lookup of an order by number, id or id prefix."""

import re
from uuid import UUID

from domain.order.values import OrderId, OrderNumber
from domain.use_cases.queries import Queries
from entrypoints.command_errors import CommandFailedError

#: How many orders, newest first, are searched for an id prefix.
PREFIX_REACH = 10_000

_NUMBER = re.compile(r"\d{8}-\d{6,}")


class UnknownOrderError(CommandFailedError):
    """No order has this number, id or id prefix."""

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        super().__init__(f"There is no order {wanted}: `restoreclick orders list` shows those there are.")


class NamelessOrderError(CommandFailedError):
    """The order's name is empty, as from a script's unset variable."""

    def __init__(self) -> None:
        super().__init__("No order was named: give its number, its id, or the beginning of that.")


class AmbiguousOrderError(CommandFailedError):
    """The id prefix matches several orders."""

    def __init__(self, wanted: str, matches: int) -> None:
        self.wanted = wanted
        self.matches = matches
        super().__init__(f"The ids of {matches} orders begin with {wanted}: give more of the one you mean.")


def find_order(queries: Queries, wanted: str) -> OrderId:
    """Find an order by number, id or id prefix.

    Raises UnknownOrderError, AmbiguousOrderError or NamelessOrderError.
    """
    if not wanted.strip():  # Every id has the empty prefix: it would match the only order of a new shop.
        raise NamelessOrderError
    is_number = _NUMBER.fullmatch(wanted)
    order_id = queries.order_id_of(OrderNumber(wanted)) if is_number else _by_id(queries, wanted)
    if order_id is None or not queries.stream(order_id):
        raise UnknownOrderError(wanted)
    return order_id


def _by_id(queries: Queries, wanted: str) -> OrderId | None:
    try:
        return OrderId(UUID(wanted))
    except ValueError:
        orders = queries.newest(PREFIX_REACH)
    matches = [order.order_id for order in orders if str(order.order_id).startswith(wanted.lower())]
    if len(matches) > 1:
        raise AmbiguousOrderError(wanted, len(matches))
    return matches[0] if matches else None
