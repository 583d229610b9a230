"""The whole log in commit order, one line per event."""

import time
from collections import deque
from collections.abc import Iterator

import click
import msgspec

from domain.order.events import RecordedEvent
from domain.ports.event_store import LogCursor, UnreadableEvent
from domain.use_cases.queries import Queries
from entrypoints.bootstrap.wording import actor_name

#: How many events one query reads.
PAGE = 500

#: How often the end of the log is polled.
POLL_SECONDS = 0.5


def show_log(queries: Queries, limit: int | None, *, follow: bool, as_json: bool) -> None:
    """Print the log or its newest ``limit`` events; ``follow`` it if asked."""
    log = _Log(queries)
    there = log.unread()
    for recorded in there if limit is None else deque(there, maxlen=limit):
        click.echo(_line(recorded, as_json=as_json))
    while follow:
        time.sleep(POLL_SECONDS)
        for recorded in log.unread():
            click.echo(_line(recorded, as_json=as_json))


def json_of(recorded: RecordedEvent, *, note: str | None = None) -> bytes:
    """An event with its envelope and note as one line of JSON."""
    words = {} if note is None else {"note": note}
    return msgspec.json.encode(
        {"type": type(recorded.event).__name__, **msgspec.to_builtins(recorded), **words}
    )


def _line(read: RecordedEvent | UnreadableEvent, *, as_json: bool) -> bytes | str:
    if isinstance(read, RecordedEvent):
        return json_of(read) if as_json else _columns(read, type(read.event).__name__)
    if as_json:
        fields: dict[str, object] = msgspec.to_builtins(read)
        del fields["number"]  # it is not in the log
        return msgspec.json.encode({"type": type(read).__name__, **fields})
    return f"{_columns(read, read.stored_name)}  cannot be decoded (position {read.position}): {read.detail}"


def _columns(read: RecordedEvent | UnreadableEvent, name: str) -> str:
    at = f"{read.recorded_at:%Y-%m-%d %H:%M:%S}.{read.recorded_at.microsecond // 1000:03}"
    return f"{at}  {read.order_id}  {read.version:>3}  {name:<24}  {actor_name(read.actor)}"


class _Log:
    """A reader that continues where it stopped."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._cursor = LogCursor()

    def unread(self) -> Iterator[RecordedEvent | UnreadableEvent]:
        """The events not read yet, by pages, each in its own transaction."""
        is_whole = True
        while is_whole:
            page = self._queries.log_page(self._cursor, PAGE)
            for self._cursor, recorded in page:
                yield recorded
            is_whole = len(page) == PAGE
