"""Bulk queries for reconciliation, one statement each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, TextClause, text

from adapters.postgres import order_snapshots
from adapters.postgres.event_codec import Codec
from adapters.postgres.event_rows import EVENT_FIELDS, FOLD_FIELDS, read_row
from adapters.postgres.json_rows import as_json, select_from_json
from adapters.postgres.reaction_codec import is_readable
from adapters.postgres.reactions import IS_ADMITTED
from adapters.postgres.read_models import Row, rows_of
from adapters.postgres.streams import stream_rows
from adapters.postgres.tables import READ_MODELS, metadata
from domain.order.events import RecordedEvent
from domain.order.order import Order
from domain.order.states import DELIVERABLE_STATES, TERMINAL
from domain.order.values import Money, OrderId, OrderNumber, UploadSessionId
from domain.ports.event_store import UnreadableEvent
from domain.ports.reconciliation_queries import (
    ReactionSummary,
    ReconciliationQueries,
)

#: An order without a row in the projection is still found by its events.
#: Rows per fetch of a server-side cursor.
PAGE_EVENTS = 500

_ORDERS_SINCE = text(
    """SELECT order_id FROM events WHERE recorded_at >= :since
    UNION
    SELECT order_id FROM orders WHERE state <> ALL(CAST(:terminal AS text[])) OR hold_reason IS NOT NULL
    ORDER BY order_id"""
)
_LOAD = order_snapshots.loading(":key")
_LOAD_ANYWHERE = f"SELECT {FOLD_FIELDS} FROM streams_of(ARRAY[CAST(:key AS uuid)])"
_NUMBERS = text("SELECT order_id, number FROM orders WHERE order_id = ANY(CAST(:ids AS uuid[]))")
#: Unordered, so that the server neither sorts nor buffers the rows.
#: Of orders that are over, whose photos are gone, the server passes on only what it can see to be unreadable.
_SUSPECT_EVENTS = text(
    f"""SELECT {EVENT_FIELDS} FROM events
    LEFT JOIN jsonb_to_recordset(CAST(:known AS jsonb)) AS known (name text, fields text[]) USING (name)
    LEFT JOIN (
        SELECT order_id, true AS is_closed FROM orders
        WHERE state = ANY(CAST(:terminal AS text[])) AND hold_reason IS NULL
            AND (photos_are_purged OR state = 'erased')
    ) AS closed USING (order_id)
    WHERE is_closed IS NULL OR fields IS NULL OR jsonb_typeof(data) <> 'object' OR NOT jsonb_exists_all(data, fields)"""
)
_WORK = text(
    f"""SELECT order_id, reaction_id, kind, status IN ('pending', 'leased') AS is_open,
        CASE WHEN status <> 'pending' OR {IS_ADMITTED}
            THEN coalesce(leased_until, greatest(due_at, admitted_at)) END AS free_since, problem,
        leased_until, first_due_at, arguments_version, arguments
    FROM reactions WHERE order_id = ANY(CAST(:order_ids AS uuid[])) ORDER BY due_at, reaction_id"""
)
_UNKNOWN_MESSAGES = text(
    """SELECT asked.event_id FROM unnest(CAST(:event_ids AS text[])) AS asked (event_id)
    WHERE NOT EXISTS (
        SELECT FROM webhook_inbox WHERE source = :source AND webhook_inbox.event_id = asked.event_id
    )"""
)
_PAYMENTS = text(
    """SELECT checkout_session_id, paid_amount AS amount, currency FROM orders
    WHERE checkout_session_id = ANY(CAST(:ids AS text[]))
    UNION ALL
    SELECT checkout_session_id, amount, currency FROM unmatched_payments
    WHERE checkout_session_id = ANY(CAST(:ids AS text[]))"""
)
_ORDERS_BY_PAYMENT = text(
    """SELECT payment_intent_id, order_id FROM orders
    WHERE payment_intent_id = ANY(CAST(:ids AS text[]))"""
)
_DELIVERED_ORDERS = text(
    """SELECT lower(email) AS address, order_id FROM orders JOIN customers USING (customer_id)
    WHERE lower(email) = ANY(CAST(:ids AS text[])) AND NOT photos_are_purged
        AND state = ANY(CAST(:deliverable AS text[]))
    ORDER BY order_id"""
)
_PREDICTIONS = text(
    "SELECT prediction_id FROM restoration_jobs WHERE prediction_id = ANY(CAST(:ids AS text[]))"
)
_KNOWN_SESSIONS = text("SELECT session_id FROM upload_sessions WHERE session_id = ANY(CAST(:ids AS uuid[]))")
_TIDIED_SESSIONS = text(
    """SELECT session_id FROM upload_sessions
    WHERE session_id = ANY(CAST(:ids AS uuid[])) AND temp_objects_deleted_at IS NOT NULL"""
)


@dataclass(eq=False)
class PostgresReconciliationQueries(ReconciliationQueries):
    """The queries on one connection, inside one transaction."""

    connection: Connection
    codec: Codec

    def orders_since(self, since: datetime) -> list[OrderId]:
        parameters = {"since": since, "terminal": list(TERMINAL)}
        return [OrderId(found) for found in self.connection.execute(_ORDERS_SINCE, parameters).scalars()]

    def streams(self, order_ids: Sequence[OrderId]) -> dict[OrderId, list[RecordedEvent]]:
        streams: dict[OrderId, list[RecordedEvent]] = {}
        unreadable: set[OrderId] = set()
        for row in stream_rows(self.connection, order_ids):
            recorded = read_row(row, self.codec)
            if isinstance(recorded, UnreadableEvent):
                unreadable.add(recorded.order_id)
            else:
                streams.setdefault(recorded.order_id, []).append(recorded)
        return {order_id: stream for order_id, stream in streams.items() if order_id not in unreadable}

    def unreadable_events(self, order_ids: Sequence[OrderId]) -> list[UnreadableEvent]:
        return self._unreadable(stream_rows(self.connection, order_ids))

    def all_unreadable_events(self) -> list[UnreadableEvent]:
        known = [{"name": name, "fields": fields} for name, fields in self.codec.required_fields.items()]
        parameters = {"known": as_json(known), "terminal": list(TERMINAL)}
        streamed = {"yield_per": PAGE_EVENTS}
        with self.connection.execute(_SUSPECT_EVENTS, parameters, execution_options=streamed) as rows:
            return self._unreadable(rows)

    def _unreadable(self, rows: Iterable[Any]) -> list[UnreadableEvent]:
        found: dict[OrderId, UnreadableEvent] = {}
        for row in rows:
            event = read_row(row, self.codec)
            if isinstance(event, UnreadableEvent):
                earlier = found.setdefault(event.order_id, event)
                found[event.order_id] = min(earlier, event, key=lambda each: each.version)
        numbers = {row.order_id: OrderNumber(row.number) for row in self._about(_NUMBERS, list(found))}
        return [replace(event, number=numbers.get(order_id)) for order_id, event in found.items()]

    def differing_read_models(self, orders: Sequence[Order]) -> dict[OrderId, list[str]]:
        rows = [(order.order_id, rows_of(order)) for order in orders]
        differing: dict[OrderId, list[str]] = {}
        for table in READ_MODELS:
            expected = [row for _, tables in rows for row in tables[table.name].values()]
            for order_id in self._differing(table.name, expected, [order_id for order_id, _ in rows]):
                differing.setdefault(order_id, []).append(table.name)
        for order in orders:
            if order.version >= order_snapshots.EVERY_EVENTS and self._is_loaded_differently(order):
                differing.setdefault(order.order_id, []).append("order_snapshots")
        return differing

    def work(self, order_ids: Sequence[OrderId]) -> dict[OrderId, list[ReactionSummary]]:
        work: dict[OrderId, list[ReactionSummary]] = {}
        for row in self.connection.execute(_WORK, {"order_ids": list(order_ids)}):
            can_be_read = not row.is_open or is_readable(row)
            line = ReactionSummary(
                reaction_id=row.reaction_id,
                kind=row.kind,
                is_open=row.is_open,
                free_since=row.free_since if can_be_read else row.leased_until or row.first_due_at,
                problem=row.problem,
                arguments_version=row.arguments_version,
                is_readable=can_be_read,
            )
            work.setdefault(OrderId(row.order_id), []).append(line)
        return work

    def unknown_messages(self, source: str, event_ids: Sequence[str]) -> set[str]:
        asked = {"source": source, "event_ids": list(event_ids)}
        return set(self.connection.execute(_UNKNOWN_MESSAGES, asked).scalars())

    def payments(self, checkout_session_ids: Sequence[str]) -> dict[str, Money]:
        return {
            row.checkout_session_id: Money(amount=row.amount, currency=row.currency)
            for row in self._about(_PAYMENTS, checkout_session_ids)
        }

    def orders_by_payment(self, payment_intent_ids: Sequence[str]) -> dict[str, OrderId]:
        found = self._about(_ORDERS_BY_PAYMENT, payment_intent_ids)
        return {row.payment_intent_id: OrderId(row.order_id) for row in found}

    def delivered_orders_of(self, addresses: Sequence[str]) -> dict[str, list[OrderId]]:
        ids = [address.lower() for address in addresses]
        asked = {"ids": ids, "deliverable": [state.value for state in DELIVERABLE_STATES]}
        found: dict[str, list[OrderId]] = {}
        for row in self.connection.execute(_DELIVERED_ORDERS, asked):
            found.setdefault(row.address, []).append(OrderId(row.order_id))
        return found

    def known_predictions(self, prediction_ids: Sequence[str]) -> set[str]:
        return {row.prediction_id for row in self._about(_PREDICTIONS, prediction_ids)}

    def known_sessions(self, session_ids: Sequence[UploadSessionId]) -> set[UploadSessionId]:
        return {UploadSessionId(row.session_id) for row in self._about(_KNOWN_SESSIONS, session_ids)}

    def tidied_sessions(self, session_ids: Sequence[UploadSessionId]) -> set[UploadSessionId]:
        return {UploadSessionId(row.session_id) for row in self._about(_TIDIED_SESSIONS, session_ids)}

    def _about(self, question: Any, ids: Sequence[object]) -> Sequence[Any]:
        return self.connection.execute(question, {"ids": list(ids)}).all()

    def _is_loaded_differently(self, order: Order) -> bool:
        """Whether its snapshot leads to another state than its events."""
        loaded = order_snapshots.loaded(self.connection, self.codec, order.order_id, _LOAD, _LOAD_ANYWHERE)
        return loaded is not None and loaded.version == order.version and loaded != order

    def _differing(self, table: str, expected: Sequence[Row], order_ids: Sequence[OrderId]) -> list[OrderId]:
        if not order_ids:
            return []
        asked = {"expected": as_json(expected), "order_ids": list(order_ids)}
        return [OrderId(found) for found in self.connection.execute(_difference(table), asked).scalars()]


@cache
def _difference(table_name: str) -> TextClause:
    """The orders whose rows in a table differ from those in ``:expected``.

    Columns that the database fills in are left out.
    """
    table = metadata.tables[table_name]
    columns = tuple(column.name for column in table.columns if column.server_default is None)
    names = ", ".join(columns)
    if "order_id" in columns:
        orders, owned = "", "order_id = ANY(CAST(:order_ids AS uuid[]))"
    else:
        orders = "JOIN images USING (image_id)"
        owned = "image_id IN (SELECT image_id FROM images WHERE order_id = ANY(CAST(:order_ids AS uuid[])))"
    return text(
        f"""WITH expected AS ({select_from_json(table_name, columns, "expected")}),
        found AS (SELECT {names} FROM {table_name} WHERE {owned})
        SELECT DISTINCT order_id FROM (
            (TABLE expected EXCEPT TABLE found) UNION ALL (TABLE found EXCEPT TABLE expected)
        ) AS differing {orders}"""
    )
