"""A log whose owner lifts its protection, as a forger would."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

_ALWAYS = ("events_append_only", "events_keep_rows", "events_keep_whole")


@contextmanager
def changeable_log(connection: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """Let rows of ``events`` be changed; protect them again afterwards."""
    connection.execute("ALTER TABLE events DISABLE TRIGGER USER")
    yield connection
    connection.execute("ALTER TABLE events ENABLE TRIGGER USER")
    for name in _ALWAYS:
        connection.execute(f"ALTER TABLE events ENABLE ALWAYS TRIGGER {name}")
