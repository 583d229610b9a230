"""Orders as the shop writes them, many at once by COPY."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
from psycopg import sql

from adapters.postgres.event_codec import Codec
from adapters.postgres.event_rows import EVENT_COLUMNS
from adapters.postgres.hash_chain import event_sha256
from adapters.postgres.order_snapshots import EVERY_EVENTS, encoded, made_by
from adapters.postgres.read_models import changed_rows
from domain.order import events as e
from domain.order.evolve import fold
from domain.order.order import Order
from domain.order.replacement import replace
from domain.order.values import EmailKind, NoteId, OrderId, Sha256
from tests.domain.support.event_builders import PAID_AT, Facts
from tests.domain.support.recording import recorded

#: Orders of one COPY and transaction.
BATCH = 500

_CODEC = Codec()

#: No two orders of a run have the same number.
_NUMBERS = count(1)


def new_life(photos: int = 1, notes: int = 0, *, purged: bool = False) -> tuple[Facts, list[e.Event]]:
    """Return an order from its payment to the last mail.

    It has two events a photo, five more, the notes, and one more if its photos are ``purged``.
    """
    facts = Facts(order_id=OrderId(uuid4()), photos=photos)
    unique = facts.order_id.hex
    events: list[e.Event] = [facts.paid(number=f"20261122-{next(_NUMBERS):06d}"), facts.moved()]
    for index in range(photos):
        prediction = f"{unique}-{index}"
        events += [
            facts.started(index, prediction=prediction),
            facts.restored(index, prediction=prediction),
        ]
    events += [
        facts.prepared(),
        facts.sent(EmailKind.CONFIRMATION, f"{unique}-1"),
        facts.sent(EmailKind.RESULT, f"{unique}-2"),
        *(e.NoteAdded(note_id=NoteId(uuid4())) for _ in range(notes)),
        *((facts.purged(),) if purged else ()),
    ]
    return facts, events


def insert_customer(connection: psycopg.Connection[Any], facts: Facts) -> None:
    """Insert the customer whom an order belongs to."""
    connection.execute(
        "INSERT INTO customers (customer_id, email, referral_code) VALUES (%s, %s, %s)", _customer_row(facts)
    )


def fill(
    database_url: str,
    orders: int,
    *,
    photos: int = 1,
    notes: int = 0,
    purged: bool = False,
    over: timedelta = timedelta(),
) -> list[UUID]:
    """Fill a database with delivered orders; return their ids.

    They have a log with its hash chain, read models, and customers. They were paid ``over`` a time that ends with
    ``PAID_AT``, the oldest first.
    """
    ids: list[UUID] = []
    with psycopg.connect(database_url, autocommit=True) as connection:
        for first in range(0, orders, BATCH):
            lives = [new_life(photos, notes, purged=purged) for _ in range(min(BATCH, orders - first))]
            _copy_lives(connection, lives, PAID_AT - over * (1 - first / orders))
            ids += [facts.order_id for facts, _ in lives]
        connection.execute("ANALYZE")
    return ids


def fill_log(database_url: str, orders: int) -> None:
    """Fill the log alone, without read models and customers.

    All orders have the same life, each with its own ids and hash chain.
    """
    facts, life = new_life()
    template = list(_event_rows(recorded(Order(order_id=facts.order_id), *life, at=PAID_AT)))
    with psycopg.connect(database_url, autocommit=True) as connection:
        for first in range(0, orders, BATCH):
            rows = (
                row for _ in range(min(BATCH, orders - first)) for row in _with_own_ids(template, uuid4())
            )
            _copy(connection, "events", EVENT_COLUMNS, rows)
        connection.execute("ANALYZE")


def _with_own_ids(stream: Iterable[dict[str, Any]], order_id: UUID) -> Iterator[dict[str, Any]]:
    return _chained({**row, "event_id": uuid4(), "order_id": order_id} for row in stream)


def _copy_lives(
    connection: psycopg.Connection[Any], lives: Sequence[tuple[Facts, list[e.Event]]], paid_at: datetime
) -> None:
    tables: dict[str, list[dict[str, Any]]] = {}
    events: list[dict[str, Any]] = []
    snapshots: list[dict[str, Any]] = []
    for facts, life in lives:
        order = Order(order_id=facts.order_id)
        stream = recorded(order, *life, at=paid_at + timedelta(seconds=len(events) % 86_400))
        events += _event_rows(stream)
        for table, rows in changed_rows(order, fold(facts.order_id, stream)).items():
            tables.setdefault(table, []).extend(rows)
        snapshots += _snapshot_rows(stream)
    with connection.transaction():
        columns = ("customer_id", "email", "referral_code")
        customers = (dict(zip(columns, _customer_row(facts), strict=True)) for facts, _ in lives)
        _copy(connection, "customers", columns, customers)
        _copy(connection, "events", EVENT_COLUMNS, events)
        # Orders come first: the other read models refer to them.
        for table in sorted(tables, key=lambda name: name != "orders"):
            _copy(connection, table, list(tables[table][0]), tables[table])
        if snapshots:
            _copy(connection, "order_snapshots", list(snapshots[0]), snapshots)


def _event_rows(stream: Iterable[e.RecordedEvent]) -> Iterator[dict[str, Any]]:
    return _chained(
        {
            "event_id": each.event_id,
            "order_id": each.order_id,
            "version": each.version,
            "name": _CODEC.stored_name(each.event),
            "data": _CODEC.encode(each.event),
            "recorded_at": each.recorded_at,
            "cause": each.cause,
            "cause_key": each.cause_key,
            "correlation_id": each.correlation_id,
            "actor": each.actor,
        }
        for each in stream
    )


def _chained(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Add the hash chain of one stream."""
    previous: Sha256 | None = None
    for row in rows:
        linked = {**row, "previous_sha256": previous}
        previous = event_sha256(linked)
        yield {**linked, "sha256": previous}


def _snapshot_rows(stream: Sequence[e.RecordedEvent]) -> Iterator[dict[str, Any]]:
    """Yield the snapshot that commits of one event each would leave."""
    version = len(stream) // EVERY_EVENTS * EVERY_EVENTS
    if version:
        *_, newest = _event_rows(stream[:version])
        order = replace(fold(stream[0].order_id, stream[:version]), head=newest["sha256"])
        yield {
            "order_id": order.order_id,
            "version": version,
            "made_by": made_by(),
            "state": f"\\x{encoded(order).hex()}",
        }


def _copy(
    connection: psycopg.Connection[Any], table: str, columns: Sequence[str], rows: Iterable[dict[str, Any]]
) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            plain = msgspec.to_builtins(row)
            copy.write_row([plain[name] for name in columns])


def _customer_row(facts: Facts) -> tuple[str, str, str]:
    return str(facts.customer), f"{facts.order_id.hex}@customer.example", facts.order_id.hex
