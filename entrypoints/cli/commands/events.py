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
        click.echo(line_of(recorded, as_json=as_json))
    while follow:
        time.sleep(POLL_SECONDS)
        for recorded in log.unread():
            click.echo(line_of(recorded, as_json=as_json))


def line_of(read: RecordedEvent | UnreadableEvent, *, as_json: bool, note: str | None = None) -> bytes | str:
    """An event with its envelope; in JSON with its note."""
    if isinstance(read, RecordedEvent):
        name = type(read.event).__name__
        return _as_json(name, read, note) if as_json else _columns(read, name)
    if as_json:
        return _as_json(type(read).__name__, read, note)
    return f"{_columns(read, read.stored_name)}  cannot be decoded (position {read.position}): {read.detail}"


def _as_json(name: str, read: RecordedEvent | UnreadableEvent, note: str | None) -> bytes:
    fields: dict[str, object] = {"type": name, **msgspec.to_builtins(read)}
    fields.pop("number", None)  # of an unreadable event: it is not in the log
    return msgspec.json.encode(fields if note is None else {**fields, "note": note})


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
