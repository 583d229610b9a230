"""Read the streams of many orders at once."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, text

from adapters.postgres.driver_sql import fetch_plain
from adapters.postgres.event_codec import Codec
from adapters.postgres.event_rows import EVENT_FIELDS, FOLD_FIELDS, folded_from
from domain.order.order import Order
from domain.order.values import OrderId
from domain.ports.errors import UnreadableEventError

_STREAMS = text(
    f"""SELECT {EVENT_FIELDS} FROM events WHERE order_id = ANY(CAST(:order_ids AS uuid[]))
    ORDER BY order_id, version"""
)
#: Whole streams that begin with about as many events.
_NEXT_STREAMS = f"""SELECT {FOLD_FIELDS} FROM events WHERE order_id > :after AND order_id <= (
        SELECT order_id
        FROM (SELECT order_id FROM events WHERE order_id > :after ORDER BY order_id LIMIT :events) AS page
        ORDER BY order_id DESC LIMIT 1)
    ORDER BY order_id, version"""
_LOAD_SOME = f"SELECT {FOLD_FIELDS} FROM streams_of(:order_ids)"
#: An order, or why it cannot be read.
FoldedOrder = tuple[OrderId, Order | UnreadableEventError]


def next_orders(connection: Connection, codec: Codec, after: OrderId, events: int) -> Iterator[FoldedOrder]:
    """Fold the next streams, of about as many events, by order id."""
    rows = fetch_plain(connection, _NEXT_STREAMS, {"after": after, "events": events})
    return _folded_orders(rows, codec)


def orders_of(connection: Connection, codec: Codec, order_ids: Sequence[OrderId]) -> Iterator[FoldedOrder]:
    """Fold the streams of these orders."""
    rows = fetch_plain(connection, _LOAD_SOME, {"order_ids": list(order_ids)})
    return _folded_orders(rows, codec)


def _folded_orders(rows: Sequence[tuple[Any, ...]], codec: Codec) -> Iterator[FoldedOrder]:
    for order_id, stream in groupby(rows, key=lambda row: OrderId(row[0])):
        try:
            yield order_id, folded_from(list(stream), codec, Order(order_id=order_id))
        except UnreadableEventError as error:
            yield order_id, error


def stream_rows(connection: Connection, order_ids: Sequence[OrderId]) -> Sequence[Row[Any]]:
    """Return the stored rows of these orders' events, by order and version."""
    return connection.execute(_STREAMS, {"order_ids": list(order_ids)}).all()
