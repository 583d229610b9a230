"""The stored events with their hashes, read in parallel."""

import signal
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from adapters.postgres.connections import connect
from adapters.postgres.driver_sql import fetch_plain, stream_plain
from adapters.postgres.event_codec import Codec
from adapters.postgres.hash_chain import texts_sha256
from adapters.postgres.session_settings import COMMAND_STATEMENT_TIMEOUT_SECONDS
from domain.order.values import OrderId, Sha256
from domain.ports.errors import UnreadableEventError
from domain.ports.event_store import ChainedEvent, LogCursor

#: Rows per fetch of a server-side cursor, and per task of another process.
PAGE_EVENTS = 2000
#: A process takes a second of CPU to start, which two get back over this many events.
EVENTS_WORTH_PROCESSES = 200_000
#: Pages read ahead of the caller, per process: enough to keep it busy, few enough to keep memory flat.
PAGES_AHEAD = 2

#: In the hashed form, so that none is converted twice. Rows whose txid this server has not reached yet (after a
#: restored dump) come along: readers in commit order would skip them.
_CHAINED = """SELECT actor, cause, cause_key, correlation_id::text, data::text, event_id::text, name, order_id::text,
        to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') AS recorded_at,
        previous_sha256, version, sha256, order_id AS stream, txid::text::bigint AS transaction_id, position,
        txid < pg_snapshot_xmax(pg_current_snapshot()) AS is_readable
    FROM events"""
#: In commit order: an open transaction has a txid of at least xmin, and nothing from xmin on is read yet.
_SETTLED = (
    "(txid < pg_snapshot_xmin(pg_current_snapshot()) OR txid >= pg_snapshot_xmax(pg_current_snapshot()))"
)
_CHAIN = f"{_CHAINED} WHERE {_SETTLED} ORDER BY txid, position"
_CHAIN_OF_ONE = f"{_CHAINED} WHERE order_id = :order_id ORDER BY txid, position"
_AFTER = "(txid, position) > (CAST(CAST(:txid AS text) AS xid8), :position)"
#: No page is longer than its limit, with which PostgreSQL follows the index instead of sorting rows.
_PAGE = f"""{_CHAINED} WHERE {_SETTLED} AND {_AFTER}
        AND (txid, position) <= (CAST(CAST(:last_txid AS text) AS xid8), :last_position)
    ORDER BY txid, position LIMIT :limit"""
_LAST_OF_PAGE = text(
    f"""SELECT txid::text::bigint, position
    FROM (SELECT txid, position FROM events WHERE {_AFTER} ORDER BY txid, position LIMIT :limit) AS page
    ORDER BY txid DESC, position DESC LIMIT 1"""
)
_IS_LONG = text("SELECT count(*) = :events FROM (SELECT FROM events LIMIT :events) AS beginning")

#: Silence while processes start on a busy machine; the transaction has no locks that could hold up the shop.
_WAIT_FOR_PROCESSES = text("SET LOCAL idle_in_transaction_session_timeout = '1min'")


def chained_events(
    connection: Connection, codec: Codec, order_id: OrderId | None = None
) -> Generator[ChainedEvent, None, None]:
    """Yield every event with its hashes, in commit order, through a cursor.

    The hashes are of the stored rows, so events that cannot be decoded are included.
    """
    chain = _CHAIN if order_id is None else _CHAIN_OF_ONE
    for row in stream_plain(connection, chain, {"order_id": order_id}, PAGE_EVENTS):
        yield _chained(row, codec)


def chained_by_processes(engine: Engine, codec: Codec, processes: int) -> Generator[ChainedEvent, None, None]:
    """Yield as ``chained_events``, computed by processes if the log is long.

    They read the same snapshot, and decode with the program's own codec.
    """
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        is_long = connection.execute(_IS_LONG, {"events": EVENTS_WORTH_PROCESSES}).scalar_one()
        if processes == 1 or not is_long:
            yield from chained_events(connection, codec)
            return
        connection.execute(_WAIT_FOR_PROCESSES)
        snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        url = engine.url.render_as_string(hide_password=False)
        pool = ProcessPoolExecutor(
            processes, mp_context=get_context("spawn"), initializer=_begin, initargs=(url, snapshot)
        )
        try:
            pending: deque[Future[list[_Plain]]] = deque()
            for after, last in _pages(connection):
                pending.append(pool.submit(_page, after, last, PAGE_EVENTS))
                if len(pending) > processes * PAGES_AHEAD:
                    yield from map(_from_plain, pending.popleft().result())
            while pending:
                yield from map(_from_plain, pending.popleft().result())
        finally:
            pool.shutdown(cancel_futures=True)


def _pages(connection: Connection) -> Iterator[tuple[LogCursor, LogCursor]]:
    """Yield where each page begins and ends."""
    after = LogCursor()
    while row := connection.execute(_LAST_OF_PAGE, {**after._asdict(), "limit": PAGE_EVENTS}).one_or_none():
        last = LogCursor(*row)
        yield after, last
        after = last


def _begin(url: str, snapshot: str) -> None:
    """Prepare a process of the pool."""
    global _engine, _snapshot, _codec  # noqa: PLW0603 -- the one way from an initializer to its tasks
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, which ends the pool
    _engine = connect(url, connections=1, statement_timeout_seconds=COMMAND_STATEMENT_TIMEOUT_SECONDS)
    _snapshot, _codec = snapshot, Codec()


_engine: Engine
_snapshot: str
_codec: Codec


#: A chained event as built-in values: pickling its classes took 8 of 26 µs an event.
_Plain = tuple[int, int, bytes, int, Sha256 | None, Sha256, Sha256 | None, bool, bool]


def _plain(event: ChainedEvent) -> _Plain:
    actual = None if event.actual_sha256 == event.sha256 else event.actual_sha256
    hashes = event.previous_sha256, event.sha256, actual
    return *event.cursor, event.order_id.bytes, event.version, *hashes, event.is_readable, event.is_decodable


def _from_plain(plain: _Plain) -> ChainedEvent:
    txid, position, order_id, version, previous, sha256, actual, is_readable, is_decodable = plain
    return ChainedEvent(
        LogCursor(txid, position),
        OrderId(UUID(bytes=order_id)),
        version,
        previous,
        sha256,
        actual or sha256,
        is_readable,
        is_decodable,
    )


def _page(after: LogCursor, last: LogCursor, limit: int) -> list[_Plain]:
    """Read and hash a page, in a process of the pool."""
    with _engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{_snapshot}'")
        bounds = {**after._asdict(), "last_txid": last.txid, "last_position": last.position, "limit": limit}
        return [_plain(_chained(row, _codec)) for row in fetch_plain(connection, _PAGE, bounds)]


def _chained(row: tuple[Any, ...], codec: Codec) -> ChainedEvent:
    actor, cause, cause_key, correlation_id, data, event_id, name, order_id, at, previous, version, *rest = (
        row
    )
    sha256, stream, txid, position, is_readable = rest
    actual = texts_sha256(
        {
            "actor": actor,
            "cause": cause,
            "cause_key": cause_key,
            "correlation_id": correlation_id,
            "data": data,
            "event_id": event_id,
            "name": name,
            "order_id": order_id,
            "previous_sha256": previous,
            "recorded_at": at,
            "version": version,
        }
    )
    return ChainedEvent(
        cursor=LogCursor(txid, position),
        order_id=stream,
        version=version,
        previous_sha256=previous,
        sha256=sha256,
        actual_sha256=sha256 if actual == sha256 else actual,
        is_readable=is_readable,
        is_decodable=_is_decodable(name, data, codec),
    )


def _is_decodable(name: str, data: str, codec: Codec) -> bool:
    try:
        codec.decode(name, data)
    except UnreadableEventError:
        return False
    return True
