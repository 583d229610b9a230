"""Reading the whole log repeatedly, until committed events are visible."""

import time

from domain.order.events import RecordedEvent
from domain.ports.event_store import LogCursor
from domain.ports.unit_of_work import Database

PATIENCE_SECONDS = 10.0


def read_whole_log(unit_of_work: Database, *, expected: int = 0) -> list[tuple[LogCursor, RecordedEvent]]:
    """Read pages of two until ``expected`` events have come."""
    lines: list[tuple[LogCursor, RecordedEvent]] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with unit_of_work.transaction() as transaction:
            page = transaction.event_store.read_all(lines[-1][0] if lines else LogCursor(), 2)
        for cursor, recorded in page:
            assert isinstance(recorded, RecordedEvent)
            lines.append((cursor, recorded))
        if not page and (len(lines) >= expected or time.monotonic() > deadline):
            return lines
