"""Finished orders' events move to tables by month, while the shop runs.

The tables inherit from ``events``: a query of ``events`` reads them, one of ``ONLY events`` does not. An order moves as
a whole and under its lock, so that no writer sees a part of it; ``locked_stream`` brings it back. The log's trigger
lets a row be deleted only if the same row is in the other place.
"""

from collections.abc import Generator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import psycopg
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from adapters.postgres import order_snapshots
from adapters.postgres.schema import OLDEST_TRANSACTION, UnfitServerError, exclusive_connection
from domain.order.states import TERMINAL
from domain.ports.event_store import ArchivedBatch

#: Orders of one transaction, each locked until it ends: commits on these wait a few hundredths of a second.
BATCH_ORDERS = 200

#: Also met by orders that were archived before, so that the index by payment time serves the search.
_MAY_BE_ARCHIVED = """state = ANY(CAST(:terminal AS text[])) AND hold_reason IS NULL
    AND NOT is_disputed AND NOT has_open_inquiry AND (photos_are_purged OR state = 'erased')"""
_CANDIDATES = text(
    f"""SELECT paid_at, order_id FROM orders
    WHERE {_MAY_BE_ARCHIVED} AND paid_at < :before AND (paid_at, order_id) > (:paid_at, :order_id)
        AND EXISTS (SELECT FROM ONLY events WHERE events.order_id = orders.order_id AND version = 1)
    ORDER BY paid_at, order_id LIMIT :limit"""
)
_TRY_LOCKS = text(
    """SELECT order_id FROM unnest(CAST(:order_ids AS uuid[])) AS wanted (order_id)
    WHERE pg_try_advisory_xact_lock(hashtextextended(order_id::text, 0))"""
)
#: Asked again under the locks: nothing is recorded on these orders until the transaction ends.
_FINISHED = text(
    f"""SELECT order_id FROM orders
    WHERE order_id = ANY(CAST(:order_ids AS uuid[])) AND {_MAY_BE_ARCHIVED}
        AND NOT EXISTS (
            SELECT FROM ONLY events WHERE events.order_id = orders.order_id AND recorded_at >= :before
        )
        AND NOT EXISTS (
            SELECT FROM reactions WHERE reactions.order_id = orders.order_id AND status IN ('pending', 'leased')
        )"""
)
#: In UTC, whatever the session's time zone is.
_MONTHS = text(
    """SELECT 'events_' || to_char(first, 'YYYY_MM') AS name, first AT TIME ZONE 'UTC' AS first,
        (first + interval '1 month') AT TIME ZONE 'UTC' AS next
    FROM (
        SELECT DISTINCT date_trunc('month', recorded_at AT TIME ZONE 'UTC') AS first
        FROM ONLY events WHERE order_id = ANY(CAST(:order_ids AS uuid[]))
    ) AS months ORDER BY first"""
)
#: The key of the position finds the newest event; the others serve the order and the commit order.
_CREATE = """CREATE TABLE {name} (
        CONSTRAINT {name}_month CHECK (recorded_at >= '{first}' AND recorded_at < '{next}'),
        PRIMARY KEY (position),
        UNIQUE (order_id, version)
    ) INHERITS (events);
    CREATE INDEX {name}_commit_order ON {name} (txid, position);
    CREATE TRIGGER {name}_append_only BEFORE UPDATE OR TRUNCATE ON {name}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    ALTER TABLE {name} ENABLE ALWAYS TRIGGER {name}_append_only;
    CREATE TRIGGER {name}_keep_rows BEFORE DELETE ON {name} FOR EACH ROW EXECUTE FUNCTION refuse_loss();
    ALTER TABLE {name} ENABLE ALWAYS TRIGGER {name}_keep_rows;
    CREATE TRIGGER {name}_keep_whole AFTER DELETE ON {name} REFERENCING OLD TABLE AS deleted
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_split();
    ALTER TABLE {name} ENABLE ALWAYS TRIGGER {name}_keep_whole;
    CREATE TRIGGER {name}_have_originals AFTER INSERT ON {name} REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_original();"""
_IS_PART = text(
    """SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = found AND inhparent = 'events'::regclass)
    FROM to_regclass(:name) AS found WHERE found IS NOT NULL"""
)


class ArchiveInUseError(UnfitServerError):
    """A new table of a month did not get its lock."""

    def __init__(self, pid: int | None) -> None:
        self.pid = pid
        oldest = f" (the oldest is of server process {pid})" if pid else ""
        super().__init__(
            f"other transactions keep the log locked{oldest}, so that no table of a month could be added; what was"
            " archived before stays so: run `restoreclick events archive` again"
        )


class TableInTheWayError(UnfitServerError):
    """A table outside the log has the name of a month's."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"the table '{name}' is in the way of the archive: it is no part of the log; rename it, then run"
            " `restoreclick events archive` again"
        )


class _Place(NamedTuple):
    """Where the search for orders goes on."""

    paid_at: datetime
    order_id: UUID


def archive(database_url: str, before: datetime) -> Generator[ArchivedBatch, None, None]:
    """Move finished orders whose last event is older than ``before``.

    They are completed, refunded or erased, have no photos left, and wait for nothing. Idempotent; a kill leaves whole
    orders in either place. Raises ArchiveInUseError or TableInTheWayError.
    """
    with exclusive_connection(database_url) as connection:
        after: _Place | None = _Place(datetime.min.replace(tzinfo=UTC), UUID(int=0))
        while after is not None:
            try:
                with connection.begin():
                    after, batch = _next_batch(connection, before, after)
            except OperationalError as error:
                if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
                    raise
                with connection.begin():
                    raise ArchiveInUseError(connection.execute(OLDEST_TRANSACTION).scalar()) from error
            if batch is not None:
                yield batch


def move(connection: Connection, order_ids: Sequence[UUID]) -> int:
    """Move locked orders; return how many events that were."""
    moved = {"order_ids": list(order_ids)}
    for month in connection.execute(_MONTHS, moved).all():
        is_part = connection.execute(_IS_PART, {"name": month.name}).scalar_one_or_none()
        if is_part is None:
            connection.exec_driver_sql(_CREATE.format(**month._asdict()))
        elif not is_part:
            raise TableInTheWayError(month.name)
        connection.execute(
            text(
                f"""INSERT INTO {month.name} SELECT * FROM ONLY events
                WHERE order_id = ANY(CAST(:order_ids AS uuid[])) AND recorded_at >= :first AND recorded_at < :next"""
            ),
            {**moved, **month._asdict()},
        )
    connection.execute(text(order_snapshots.DELETE), moved)
    return connection.execute(
        text("DELETE FROM ONLY events WHERE order_id = ANY(CAST(:order_ids AS uuid[]))"), moved
    ).rowcount


def _next_batch(
    connection: Connection, before: datetime, after: _Place
) -> tuple[_Place | None, ArchivedBatch | None]:
    """Move the next orders; return where they end and what was moved."""
    asked = {"terminal": list(TERMINAL), "before": before}
    place = {"paid_at": after.paid_at, "order_id": after.order_id, "limit": BATCH_ORDERS}
    candidates = connection.execute(_CANDIDATES, {**asked, **place}).all()
    if not candidates:
        return None, None
    order_ids = [row.order_id for row in candidates]
    locked = list(connection.execute(_TRY_LOCKS, {"order_ids": order_ids}).scalars())
    finished = list(connection.execute(_FINISHED, {**asked, "order_ids": locked}).scalars())
    events = move(connection, finished)
    batch = ArchivedBatch(orders=len(finished), events=events, in_use=len(order_ids) - len(locked))
    return _Place(*candidates[-1]), batch
