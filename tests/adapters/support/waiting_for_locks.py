"""Waiting for lock waits in PostgreSQL, without sleeping."""

from concurrent.futures import Future
from typing import Any

import psycopg

from tests.waiting import eventually

_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


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
