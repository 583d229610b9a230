"""Rebuild of the read models while the shop runs.

Orders are folded batch by batch into tables of another schema. Those that changed meanwhile are folded again, the last
few of them in a transaction that locks the log; it ends with both sets of tables in each other's schema. A rebuild
that was killed leaves a schema that no program reads; the next rebuild drops it.
"""

import time
from collections.abc import Callable, Generator, Iterable
from typing import Any, cast
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import OperationalError

from adapters.postgres.event_codec import Codec
from adapters.postgres.read_models import rows_of
from adapters.postgres.schema import OLDEST_TRANSACTION, UnfitServerError, exclusive_connection
from adapters.postgres.streams import FoldedOrder, next_orders, orders_of
from adapters.postgres.tables import READ_MODELS, orders
from domain.order.values import OrderId
from domain.ports.errors import UnreadableEventError
from domain.ports.event_store import LeftOutOrder

#: Events per batch: some hundred orders.
BATCH_EVENTS = 2000
#: At most this many orders are left to the transaction that locks the log.
FEW_ORDERS = 50
#: How often changed orders are folded again without the lock: on a very busy shop some are always left.
CATCH_UPS = 10
#: Commits wait behind a lock that is waited for, so that is given up early. It has to be below PostgreSQL's
#: ``deadlock_timeout`` (1 s): the shop's own transactions are then never chosen to be cancelled.
LOCK_TIMEOUT_MS = 200
LOCK_ATTEMPTS = 60
LOCK_PAUSE_SECONDS = 1.0

_SHADOW, _FORMER = "rebuilt_read_models", "former_read_models"
_NAMES = [table.name for table in READ_MODELS]
_XMIN = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
#: Orders with newer events than their rebuilt row. Rows of a transaction that this server has not reached (after a
#: restored dump) have not changed meanwhile.
_CHANGED = text(
    f"""SELECT order_id
    FROM (SELECT order_id, max(version) AS version FROM events
        WHERE txid >= CAST(CAST(:since AS text) AS xid8) AND txid < pg_snapshot_xmax(pg_current_snapshot())
        GROUP BY order_id) AS newest
    LEFT JOIN {_SHADOW}.orders USING (order_id)
    WHERE orders.version IS DISTINCT FROM newest.version"""
)
_KEYS = text(
    f"""SELECT format('ALTER TABLE {_SHADOW}.%I ADD CONSTRAINT %I %s', relname, conname, pg_get_constraintdef(c.oid))
    FROM pg_constraint c JOIN pg_class t ON t.oid = conrelid
    WHERE conrelid = ANY(CAST(:tables AS regclass[])) AND contype IN ('p', 'u')"""
)
_INDEXES = text(
    f"""SELECT replace(pg_get_indexdef(indexrelid), format(' ON %I.%I ', nspname, relname),
        format(' ON {_SHADOW}.%I ', relname))
    FROM pg_index JOIN pg_class t ON t.oid = indrelid JOIN pg_namespace n ON n.oid = relnamespace
    WHERE indrelid = ANY(CAST(:tables AS regclass[]))
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))"""
)
_TRIGGERS = text(
    f"""SELECT replace(pg_get_triggerdef(g.oid), format(' ON %I.%I ', nspname, relname),
        format(' ON {_SHADOW}.%I ', relname))
    FROM pg_trigger g JOIN pg_class t ON t.oid = tgrelid JOIN pg_namespace n ON n.oid = relnamespace
    WHERE tgrelid = ANY(CAST(:tables AS regclass[])) AND NOT tgisinternal"""
)
_GRANTS = text(
    f"""SELECT format('GRANT %s ON {_SHADOW}.%I TO %s', privilege_type, relname,
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
    FROM pg_class, aclexplode(relacl) WHERE oid = ANY(CAST(:tables AS regclass[]))"""
)
_FOREIGN_KEYS = text(
    f"""SELECT format('ALTER TABLE {_SHADOW}.%I ADD CONSTRAINT %I %s NOT VALID', relname, conname,
            pg_get_constraintdef(c.oid)),
        format('ALTER TABLE {_SHADOW}.%I VALIDATE CONSTRAINT %I', relname, conname)
    FROM pg_constraint c JOIN pg_class t ON t.oid = conrelid
    WHERE conrelid = ANY(CAST(:tables AS regclass[])) AND contype = 'f'"""
)


class ReadModelsInUseError(UnfitServerError):
    """A rebuild did not get its locks, though needed briefly."""

    def __init__(self, pid: int | None) -> None:
        self.pid = pid
        oldest = f" (the oldest is of server process {pid})" if pid else ""
        super().__init__(
            f"other transactions use the read models all the time{oldest}, so they stay as they were; end those, then"
            " run `restoreclick db rebuild` again"
        )


def rebuild(database_url: str, codec: Codec) -> Generator[OrderId | LeftOutOrder, None, None]:
    """Yield each rebuilt order, then those left out."""
    with exclusive_connection(database_url) as connection:
        _short_transaction(connection, _drop)
        try:
            left_out = yield from _rebuild(connection, codec)
        finally:
            if not connection.invalidated:
                connection.rollback()
                _short_transaction(connection, _drop)
        yield from left_out


def _rebuild(connection: Connection, codec: Codec) -> Generator[OrderId, None, Iterable[LeftOutOrder]]:
    rebuilding = _Rebuilding(connection, codec)
    with connection.begin():
        since = _create(connection)
    after: OrderId | None = OrderId(UUID(int=0))
    while after is not None:
        with connection.begin():
            batch = list(next_orders(connection, codec, after, BATCH_EVENTS))
            written = rebuilding.write(batch)
        after = batch[-1][0] if batch else None
        yield from written
    _complete(connection)
    for _ in range(CATCH_UPS):
        with connection.begin():
            now = connection.execute(_XMIN).scalar_one()
            changed = rebuilding.catch_up(since)
        since = now
        if changed <= FEW_ORDERS:
            break

    def swap(connection: Connection) -> None:
        connection.execute(text("LOCK TABLE events IN SHARE MODE"))
        connection.execute(text(f"LOCK TABLE {', '.join(_NAMES)} IN ACCESS EXCLUSIVE MODE"))
        rebuilding.catch_up(since)
        _keep_rows(connection, list(rebuilding.left_out))
        live = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
        connection.execute(text(f"CREATE SCHEMA {_FORMER}"))
        for name in _NAMES:
            connection.execute(text(f"ALTER TABLE {name} SET SCHEMA {_FORMER}"))
            connection.execute(text(f"ALTER TABLE {_SHADOW}.{name} SET SCHEMA {live}"))

    _short_transaction(connection, swap)
    return rebuilding.left_out.values()


class _Rebuilding:
    """The rebuilt tables, and the orders that are not in them."""

    def __init__(self, connection: Connection, codec: Codec) -> None:
        self.left_out: dict[OrderId, LeftOutOrder] = {}
        self._connection = connection
        self._codec = codec

    def write(self, batch: Iterable[FoldedOrder]) -> list[OrderId]:
        """Write the rows of orders that have none; return those written."""
        written: list[OrderId] = []
        rows: dict[str, list[dict[str, Any]]] = {}
        for order_id, order in batch:
            if isinstance(order, UnreadableEventError):
                self.left_out[order_id] = LeftOutOrder(order_id, order.detail)
                continue
            self.left_out.pop(order_id, None)
            for name, of_order in rows_of(order).items():
                rows.setdefault(name, []).extend(of_order.values())
            written.append(order_id)
        for name in _NAMES:
            self._copy(name, rows.get(name, []))
        return written

    def catch_up(self, since: str) -> int:
        """Write orders anew that have events since; return how many."""
        changed = self._connection.execute(_CHANGED, {"since": since}).scalars().all()
        for first in range(0, len(changed), FEW_ORDERS):
            some = changed[first : first + FEW_ORDERS]
            self._connection.execute(
                text(f"DELETE FROM {_SHADOW}.orders WHERE order_id = ANY(:some)"), {"some": some}
            )
            self.write(orders_of(self._connection, self._codec, some))
        return len(changed)

    def _copy(self, name: str, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        driver = cast("psycopg.Connection[Any]", self._connection.connection.driver_connection)
        statement = f"COPY {_SHADOW}.{name} ({', '.join(rows[0])}) FROM STDIN"
        with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for row in msgspec.to_builtins(rows):
                copy.write_row(tuple(row.values()))


def _create(connection: Connection) -> str:
    """Create the tables, without indexes; return the oldest open transaction."""
    connection.execute(text(f"CREATE SCHEMA {_SHADOW}"))
    for name in _NAMES:
        like = "INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS"
        connection.execute(text(f"CREATE TABLE {_SHADOW}.{name} (LIKE {name} {like})"))
    # Made again as orders go on.
    connection.execute(text("DELETE FROM order_snapshots"))
    return str(connection.execute(_XMIN).scalar_one())


def _complete(connection: Connection) -> None:
    """Give the filled tables what the present ones have."""
    tables = {"tables": _NAMES}
    with connection.begin():
        for query in (_KEYS, _INDEXES, _TRIGGERS, _GRANTS):
            for statement in connection.execute(query, tables).scalars().all():
                connection.exec_driver_sql(statement)
        foreign_keys = connection.execute(_FOREIGN_KEYS, tables).all()

    def refer(connection: Connection) -> None:
        connection.execute(
            text(f"SELECT set_config('search_path', '{_SHADOW},' || current_setting('search_path'), true)")
        )
        for add, _ in foreign_keys:
            connection.exec_driver_sql(add)

    _short_transaction(connection, refer)
    with connection.begin():
        for _, validate in foreign_keys:
            connection.exec_driver_sql(validate)
        for name in _NAMES:
            connection.execute(text(f"ANALYZE {_SHADOW}.{name}"))


def _keep_rows(connection: Connection, order_ids: list[OrderId]) -> None:
    """Copy the present rows of these orders.

    A row that contradicts a rebuilt one, e.g. has its order number, was changed by hand and is left out.
    """
    for table in READ_MODELS if order_ids else ():
        connection.execute(
            text(
                f"""INSERT INTO {_SHADOW}.{table.name} SELECT * FROM {table.name}
                WHERE {_of_orders(table)} ON CONFLICT DO NOTHING"""
            ),
            {"order_ids": order_ids},
        )


def _of_orders(table: Table) -> str:
    mine = "order_id = ANY(CAST(:order_ids AS uuid[]))"
    if table is orders:
        return mine
    parent, key = ("orders", "order_id") if "order_id" in table.columns else ("images", "image_id")
    return f"{key} IN (SELECT {key} FROM {_SHADOW}.{parent} WHERE {mine})"


def _drop(connection: Connection) -> None:
    connection.execute(text(f"DROP SCHEMA IF EXISTS {_SHADOW}, {_FORMER} CASCADE"))


def _short_transaction(connection: Connection, work: Callable[[Connection], None]) -> None:
    """Run in a transaction that hardly waits for locks; raise ReadModelsInUseError."""
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            with connection.begin():
                connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"))
                work(connection)
        except OperationalError as error:
            if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
                raise
            if attempt == LOCK_ATTEMPTS:
                with connection.begin():
                    raise ReadModelsInUseError(connection.execute(OLDEST_TRANSACTION).scalar()) from error
            time.sleep(LOCK_PAUSE_SECONDS)
        else:
            return
