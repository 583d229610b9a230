"""Two transactions of which one has to wait for the other: the wait is seen in PostgreSQL, never slept for."""

from concurrent.futures import Future
from typing import Any

import psycopg

from tests.waiting import eventually

_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def waiting_sessions(database_url: str) -> int:
    """How many sessions of this database wait for a lock."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(_WAITING).fetchone()
    assert row is not None
    return int(row[0])


def until_it_waits_or_ends(database_url: str, work: Future[Any]) -> None:
    """Return once work in another thread waits for a lock, or has ended because there was none."""
    eventually(
        lambda: work.done() or waiting_sessions(database_url) > 0, "the other transaction's wait or end"
    )
