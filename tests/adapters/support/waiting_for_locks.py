"""Waiting for lock waits in PostgreSQL, without sleeping."""

from concurrent.futures import Future
from typing import Any

import psycopg

from tests.waiting import eventually

#: Neither autovacuum nor two backends that extend one file at the same time are what tests wait for.
_WAITING = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND backend_type = 'client backend' AND wait_event_type = 'Lock' AND wait_event <> 'extend'"""


def waiting_sessions(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(_WAITING).fetchone()
    assert row is not None
    return int(row[0])


def until_it_waits_or_ends(database_url: str, work: Future[Any]) -> None:
    """Return once work in another thread waits or has ended."""
    eventually(
        lambda: work.done() or waiting_sessions(database_url) > 0, "the other transaction's wait or end"
    )
