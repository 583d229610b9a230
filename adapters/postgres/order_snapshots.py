"""Snapshots: folded orders of many events, so that loading one reads few.

A snapshot is no source of truth. It counts for the code that made it alone, and only while the log has the event that
it ends with, whose hash covers all events before it.
"""

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from sqlalchemy import Connection

from adapters.postgres.driver_sql import fetch_plain
from adapters.postgres.event_codec import Codec
from adapters.postgres.event_rows import FOLD_FIELDS, folded_from
from domain.order.order import Order
from domain.order.replacement import replace
from domain.order.values import OrderId, Sha256
from domain.ports.event_store import Commit

#: An order gets a snapshot when the number of its events passes a multiple of this. Storing one costs as much as
#: folding some fifteen events, and each event is followed by more than one load.
EVERY_EVENTS = 10

_VERSION = "SELECT version FROM order_snapshots WHERE order_id = ({owner}) AND made_by = :made_by"
_SINCE = f"coalesce(({_VERSION}), 0)"
#: Rows from a snapshot's last event on, with its state beside the first; without one, all rows.
_LOAD = f"""SELECT {FOLD_FIELDS},
        CASE version WHEN ({_VERSION}) THEN (SELECT state FROM order_snapshots WHERE order_id = ({{owner}})) END"""

#: For the parameters of ``insert_due``.
INSERT = """INSERT INTO order_snapshots (order_id, version, made_by, state)
    SELECT order_id, version, :snapshot_made_by, state FROM unnest(
        CAST(:snapshot_order_ids AS uuid[]), CAST(:snapshot_versions AS integer[]),
        CAST(:snapshot_states AS bytea[])) AS snapshot (order_id, version, state)
    ON CONFLICT (order_id) DO UPDATE SET
        version = excluded.version, made_by = excluded.made_by, state = excluded.state"""
#: For the parameter ``order_ids``.
DELETE = "DELETE FROM order_snapshots WHERE order_id = ANY(CAST(:order_ids AS uuid[]))"

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Order)


def loading(owner: str) -> str:
    """Return SQL that loads an order; ``owner`` is its id, from ``:key``."""
    statement = (
        f"{_LOAD} FROM ONLY events WHERE order_id = ({{owner}}) AND version >= {_SINCE} ORDER BY version"
    )
    return statement.format(owner=owner)


def loading_locked() -> str:
    """Return SQL that locks and loads the order ``:key``.

    An archived one is brought back.
    """
    return f"{_LOAD} FROM locked_stream(:key, {_SINCE})".format(owner=":key")


@cache
def made_by() -> str:
    """Name the code that folds orders, by the hash of its sources."""
    sources = [*files("domain.order").iterdir(), files("adapters.postgres") / "event_codec.py"]
    code = {source.name: source.read_bytes() for source in sources if source.name.endswith(".py")}
    return hashlib.sha256(msgspec.json.encode(code, order="sorted")).hexdigest()


def loaded(connection: Connection, codec: Codec, key: object, statement: str, whole: str) -> Order | None:
    """Load an order by a statement of this module.

    None if it finds no events. ``whole`` loads it without a snapshot, if that does not belong to the log.
    """
    rows = fetch_plain(connection, statement, {"key": key, "made_by": made_by()})
    if not rows:
        return None
    order_id, _, _, head, *_, state = rows[0]
    if state is None:
        return folded_from([row[:-1] for row in rows], codec, Order(order_id=order_id))
    known = decoded(state)
    if known.head != head:
        return folded_from(fetch_plain(connection, whole, {"key": key}), codec, Order(order_id=order_id))
    return folded_from([row[:-1] for row in rows[1:]], codec, known)


def encoded(order: Order) -> bytes:
    """Encode the state of a snapshot."""
    return _ENCODER.encode(order)


def decoded(state: bytes) -> Order:
    """Decode what ``encoded`` made, by the same code."""
    return _DECODER.decode(state)


def insert_due(commits: Iterable[Commit], heads: Mapping[OrderId, Sha256 | None]) -> dict[str, Any]:
    """The parameters of ``INSERT`` for orders that are due; none without any."""
    due = [replace(each.after, head=heads[each.after.order_id]) for each in commits if _is_due(each)]
    if not due:
        return {}
    return {
        "snapshot_made_by": made_by(),
        "snapshot_order_ids": [order.order_id for order in due],
        "snapshot_versions": [order.version for order in due],
        "snapshot_states": [encoded(order) for order in due],
    }


def _is_due(commit: Commit) -> bool:
    return commit.after.version // EVERY_EVENTS > commit.before.version // EVERY_EVENTS
