"""Read models in memory, written change by change as in PostgreSQL."""

from adapters.postgres.read_models import Rows, changed_rows, rows_of
from domain.order.order import Order
from domain.order.values import OrderId


def no_rows(order_id: OrderId) -> Rows:
    """The read models of an order without events."""
    return rows_of(Order(order_id=order_id))


def with_changes(rows: Rows, before: Order, after: Order) -> Rows:
    """The rows after an upsert of the changed ones."""
    written = {name: dict(table) for name, table in rows.items()}
    keys = rows_of(after)
    for name, changed in changed_rows(before, after).items():
        for key, row in keys[name].items():
            if row in changed:
                written[name][key] = row
    return written
