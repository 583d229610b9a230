"""The event store: a commit is written in one statement.

Events, read models, reactions and the closed lease go to the server in one round trip.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from adapters.postgres import order_snapshots
from adapters.postgres.driver_sql import execute, fetch_plain
from adapters.postgres.event_codec import Codec
from adapters.postgres.event_rows import (
    EVENT_COLUMNS,
    EVENT_FIELDS,
    FOLD_FIELDS,
    decode_row,
    folded_from,
    read_row,
)
from adapters.postgres.hash_chain import event_sha256
from adapters.postgres.json_rows import insert_rows, overwriting
from adapters.postgres.reactions import CLOSE, insert_reactions
from adapters.postgres.read_models import changed_rows
from adapters.postgres.recent_orders import RecentOrders
from adapters.postgres.streams import orders_of
from domain.order.events import RecordedEvent
from domain.order.order import Order
from domain.order.replacement import replace
from domain.order.values import OrderId, Sha256
from domain.ports.errors import UnreadableEventError
from domain.ports.event_store import Commit, EventStore, LogCursor, UnreadableEvent
from domain.ports.unit_of_work import CauseRepeatedError, LeaseLostError, VersionConflictError

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:order_id, 0))")
#: A stream is in ``events`` itself or, archived, in the tables of months that inherit from it. What is not found in
#: the first is looked for in both at one moment: it may come back between two statements.
_STREAM = f"SELECT {EVENT_FIELDS} FROM ONLY events WHERE order_id = :key ORDER BY version"
_STREAM_ANYWHERE = f"SELECT {EVENT_FIELDS} FROM streams_of(ARRAY[CAST(:key AS uuid)])"
_LOAD = order_snapshots.loading(":key")
_LOAD_ANYWHERE = f"SELECT {FOLD_FIELDS} FROM streams_of(ARRAY[CAST(:key AS uuid)])"
_ORDER_OF_LINK = "SELECT order_id FROM download_links WHERE token_sha256 = :key"
_ORDER_OF_PAYMENT = "SELECT order_id FROM orders WHERE payment_intent_id = :key"
_LOAD_BY_TOKEN, _LOAD_BY_PAYMENT = map(order_snapshots.loading, (_ORDER_OF_LINK, _ORDER_OF_PAYMENT))
_LOAD_ANYWHERE_BY_TOKEN, _LOAD_ANYWHERE_BY_PAYMENT = (
    f"SELECT {FOLD_FIELDS} FROM streams_of(ARRAY({owner}))" for owner in (_ORDER_OF_LINK, _ORDER_OF_PAYMENT)
)
#: An archived order is brought back by its lock.
_LOAD_LOCKED = order_snapshots.loading_locked()
_LOAD_LOCKED_WHOLE = f"SELECT {FOLD_FIELDS} FROM locked_stream(:key)"
_LOAD_SINCE = (
    f"SELECT {FOLD_FIELDS} FROM ONLY events WHERE order_id = :key AND version >= :since ORDER BY version"
)
_LOAD_LOCKED_SINCE = f"SELECT {FOLD_FIELDS} FROM locked_stream(:key, :since)"
_HEAD = text("SELECT sha256 FROM events WHERE order_id = :order_id AND version = :version")
#: In commit order: an open transaction has a txid of at least xmin, and nothing from xmin on is read yet.
_WHOLE_LOG = f"""SELECT {EVENT_FIELDS}, txid::text::bigint AS transaction_id FROM events
    WHERE (txid, position) > (CAST(CAST(:txid AS text) AS xid8), :position)
      AND txid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY txid, position LIMIT :limit"""


@dataclass(eq=False)
class PostgresEventStore(EventStore):
    """The event log on one connection, inside one transaction."""

    connection: Connection
    codec: Codec
    recent_orders: RecentOrders

    def lock(self, order_id: OrderId) -> None:
        self.connection.execute(_LOCK, {"order_id": str(order_id)})

    def load(self, order_id: OrderId) -> Order:
        return self._loaded(order_id, _LOAD, _LOAD_ANYWHERE) or Order(order_id=order_id)

    def load_repeatedly(self, order_id: OrderId) -> Order:
        """Read what was recorded since the last time."""
        known = self.recent_orders.get(order_id)
        order = self._load_since(_LOAD_SINCE, known) or self.load(order_id)
        self.recent_orders.remember(order)
        return order

    def load_locked(self, order_id: OrderId, known: Order | None = None) -> Order:
        return (
            self._load_since(_LOAD_LOCKED_SINCE, known)
            or order_snapshots.loaded(self.connection, self.codec, order_id, _LOAD_LOCKED, _LOAD_LOCKED_WHOLE)
            or Order(order_id=order_id)
        )

    def load_all(self, order_ids: Sequence[OrderId]) -> Mapping[OrderId, Order]:
        orders = {order_id: Order(order_id=order_id) for order_id in order_ids}
        for order_id, order in orders_of(self.connection, self.codec, order_ids):
            if isinstance(order, UnreadableEventError):
                raise order
            orders[order_id] = order
        return orders

    def load_by_token(self, token_sha256: Sha256) -> Order | None:
        return self._loaded(token_sha256, _LOAD_BY_TOKEN, _LOAD_ANYWHERE_BY_TOKEN)

    def load_by_payment(self, payment_intent_id: str) -> Order | None:
        return self._loaded(payment_intent_id, _LOAD_BY_PAYMENT, _LOAD_ANYWHERE_BY_PAYMENT)

    def history(self, order_id: OrderId) -> list[RecordedEvent]:
        return [decode_row(row, self.codec) for row in self._rows(order_id, _STREAM, _STREAM_ANYWHERE)]

    def read(self, order_id: OrderId) -> list[RecordedEvent | UnreadableEvent]:
        return [read_row(row, self.codec) for row in self._rows(order_id, _STREAM, _STREAM_ANYWHERE)]

    def append(self, *commits: Commit) -> Collection[UUID]:
        """Write commits in one statement; see the port for errors."""
        statement, parameters = self._statement(commits)
        try:
            rows = execute(self.connection, statement, parameters).fetchall()
        except IntegrityError as error:
            raise _translated(error, commits) from error
        for commit in commits:
            if commit.closes is not None and not any(row.is_closed for row in rows):
                self._roll_back()
                raise LeaseLostError(commit.closes.reaction_id)
        return {row.reaction_id for row in rows if not row.is_closed}

    def read_all(
        self, after: LogCursor, limit: int
    ) -> list[tuple[LogCursor, RecordedEvent | UnreadableEvent]]:
        rows = fetch_plain(self.connection, _WHOLE_LOG, {**after._asdict(), "limit": limit})
        return [(LogCursor(row[-1], row[0]), read_row(row[:-1], self.codec)) for row in rows]

    def _roll_back(self) -> None:
        """Roll back, so that no caller can commit under a lost lease."""
        transaction = self.connection.get_transaction()
        if transaction is not None:
            transaction.rollback()

    def _statement(self, commits: Sequence[Commit]) -> tuple[str, dict[str, Any]]:
        parts: dict[str, str] = {}
        answers: list[str] = []
        parameters: dict[str, Any] = {}
        if events := [row for commit in commits for row in self._chained(commit)]:
            parts["recorded"], parameters = insert_rows("events", EVENT_COLUMNS, events)
        if due := order_snapshots.insert_due(commits, {row["order_id"]: row["sha256"] for row in events}):
            parts["remembered"] = order_snapshots.INSERT
            parameters |= due
        written: dict[str, list[dict[str, Any]]] = {}
        for commit in commits:
            for table, rows in changed_rows(commit.before, commit.after).items():
                written.setdefault(table, []).extend(rows)
        for table, rows in written.items():
            columns = tuple(rows[0])
            insert, given = insert_rows(table, columns, rows)
            parts[f"written_{table}"] = f"{insert} {overwriting(table, columns)}"
            parameters |= given
        if reactions := [reaction for commit in commits for reaction in commit.reactions]:
            insert, given = insert_reactions(reactions)
            parts["scheduled"] = f"{insert} RETURNING reaction_id, status"
            parameters |= given
            answers.append("SELECT false AS is_closed, reaction_id FROM scheduled WHERE status = 'leased'")
        closing = next((commit for commit in commits if commit.closes is not None), None)
        if closing is not None and closing.closes is not None:
            parts["closed"] = f"{CLOSE} RETURNING reaction_id"
            answers.append("SELECT true AS is_closed, reaction_id FROM closed")
            parameters |= {
                "reaction_id": closing.closes.reaction_id,
                "token": closing.closes.token,
                "outcome": closing.outcome,
                "again_at": closing.again_at,
                "problem": None,
            }
        bodies = ", ".join(f"{name} AS ({body})" for name, body in parts.items())
        answer = " UNION ALL ".join(answers) or "SELECT WHERE false"
        return f"WITH {bodies} {answer}" if bodies else answer, parameters

    def _chained(self, commit: Commit) -> Iterator[dict[str, Any]]:
        """Yield the rows of a commit's events, each chained to its predecessor."""
        previous = self._head(commit.before)
        for recorded in commit.events:
            row = self._event_row(recorded, previous)
            previous = event_sha256(row)
            yield {**row, "data": msgspec.Raw(row["data"]), "sha256": previous}

    def _head(self, order: Order) -> Sha256 | None:
        """Return the previous event's hash; query it if not loaded."""
        if order.version == 0 or order.head is not None:
            return order.head
        version = {"order_id": order.order_id, "version": order.version}
        return self.connection.execute(_HEAD, version).scalar_one_or_none()

    def _event_row(self, recorded: RecordedEvent, previous: Sha256 | None) -> dict[str, Any]:
        return {
            "event_id": recorded.event_id,
            "order_id": recorded.order_id,
            "version": recorded.version,
            "name": self.codec.stored_name(recorded.event),
            "data": self.codec.encode(recorded.event),
            "recorded_at": recorded.recorded_at,
            "cause": recorded.cause,
            "cause_key": recorded.cause_key,
            "correlation_id": recorded.correlation_id,
            "actor": recorded.actor,
            "previous_sha256": previous,
        }

    def _rows(self, key: object, *statements: str) -> Sequence[tuple[Any, ...]]:
        """The rows of the first statement that finds any."""
        found = (fetch_plain(self.connection, each, {"key": key}) for each in statements)
        return next(filter(None, found), [])

    def _loaded(self, key: object, statement: str, anywhere: str) -> Order | None:
        """Load an order by its snapshot, or else wherever its events are."""
        if order := order_snapshots.loaded(self.connection, self.codec, key, statement, anywhere):
            return order
        rows = fetch_plain(self.connection, anywhere, {"key": key})
        return folded_from(rows, self.codec, Order(order_id=rows[0][0])) if rows else None

    def _load_since(self, statement: str, known: Order | None) -> Order | None:
        """Apply what follows ``known``.

        None unless the log still holds the event that ``known`` ends with: its hash covers all events before it.
        """
        if known is None or known.version == 0:
            return None
        since = {"key": known.order_id, "since": known.version}
        rows = fetch_plain(self.connection, statement, since)
        _, version, _, head, *_ = rows[0] if rows else (None,) * 4
        if version != known.version or known.head not in (None, head):
            return None
        return folded_from(rows[1:], self.codec, replace(known, head=head))


def _translated(error: IntegrityError, commits: Sequence[Commit]) -> Exception:
    diagnosis = getattr(error.orig, "diag", None)
    constraint, detail = (getattr(diagnosis, name, None) for name in ("constraint_name", "message_detail"))
    refused = next((each.before for each in commits if str(each.before.order_id) in (detail or "")), None)
    before = refused or commits[0].before
    if constraint == "events_order_id_cause_key_key":
        return CauseRepeatedError(before.order_id)
    if constraint in ("events_order_id_version_key", "events_have_predecessors"):
        return VersionConflictError(before.order_id, before.version)
    return error
