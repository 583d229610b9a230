"""Read model rows from before a rebuild, for unreadable orders."""

from collections.abc import Sequence

from sqlalchemy import Connection, Table, text

from adapters.postgres.tables import READ_MODELS, orders
from domain.order.values import OrderId


def keep(connection: Connection) -> None:
    """Copy every read model until the transaction ends."""
    for table in READ_MODELS:
        connection.execute(
            text(f"CREATE TEMPORARY TABLE former_{table.name} ON COMMIT DROP AS TABLE {table.name}")
        )


def put_back(connection: Connection, order_ids: Sequence[OrderId]) -> None:
    """Insert the kept rows of these orders again.

    A row that contradicts a rebuilt one, e.g. has its order number, was changed by hand and is left out.
    """
    for table in READ_MODELS:
        connection.execute(
            text(
                f"""INSERT INTO {table.name} SELECT * FROM former_{table.name}
                WHERE {_of_orders(table)} ON CONFLICT DO NOTHING"""
            ),
            {"order_ids": list(order_ids)},
        )


def _of_orders(table: Table) -> str:
    mine = "order_id = ANY(CAST(:order_ids AS uuid[]))"
    if table is orders:
        return mine
    parent, key = ("orders", "order_id") if "order_id" in table.columns else ("images", "image_id")
    return f"{key} IN (SELECT {key} FROM {parent} WHERE {mine})"
