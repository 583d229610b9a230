"""The whole log as it was committed, one line an event."""

import time
from collections import deque
from collections.abc import Iterator

import click
import msgspec

from domain.order.events import RecordedEvent
from domain.ports.event_store import LogCursor
from domain.use_cases.audit.timeline import actor_name
from domain.use_cases.queries import Queries

#: How many events a look at the log brings.
PAGE = 500

#: How often the end of the log is looked at.
POLL_SECONDS = 0.5


def show_log(queries: Queries, limit: int | None, *, follow: bool, as_json: bool) -> None:
    """Print the log, or the newest ``limit`` events of it, and go on with it if asked to."""
    log = _Log(queries)
    there = log.unread()
    for recorded in there if limit is None else deque(there, maxlen=limit):
        click.echo(_line(recorded, as_json=as_json))
    while follow:
        time.sleep(POLL_SECONDS)
        for recorded in log.unread():
            click.echo(_line(recorded, as_json=as_json))


def json_of(recorded: RecordedEvent, *, note: str | None = None) -> bytes:
    """An event with its whole envelope, as one line of JSON; with what a person wrote about it, if anything."""
    words = {} if note is None else {"note": note}
    return msgspec.json.encode(
        {"type": type(recorded.event).__name__, **msgspec.to_builtins(recorded), **words}
    )


def _line(recorded: RecordedEvent, *, as_json: bool) -> bytes | str:
    if as_json:
        return json_of(recorded)
    at = f"{recorded.recorded_at:%Y-%m-%d %H:%M:%S}.{recorded.recorded_at.microsecond // 1000:03}"
    name = type(recorded.event).__name__
    return f"{at}  {recorded.order_id}  {recorded.version:>3}  {name:<24}  {actor_name(recorded.actor)}"


class _Log:
    """Reads on where it stopped."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._cursor = LogCursor()

    def unread(self) -> Iterator[RecordedEvent]:
        """What was not read yet, page by page; each page is a transaction of its own."""
        is_whole = True
        while is_whole:
            page = self._queries.log_page(self._cursor, PAGE)
            for self._cursor, recorded in page:
                yield recorded
            is_whole = len(page) == PAGE
