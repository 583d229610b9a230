"""The limit of a commit: single rows, inserted and committed."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import psycopg

from benchmarks.cpu import CpuMeter
from benchmarks.measure import Sample, rate
from benchmarks.threads import in_threads

#: As long as the stored form of a middling event.
BODY = "x" * 400


class Inserts:
    """A table of rows, and a connection for each thread."""

    def __init__(self, resources: ExitStack, database_url: str, threads: int) -> None:
        self._connections: list[psycopg.Connection[Any]] = [
            resources.enter_context(psycopg.connect(database_url, autocommit=True)) for _ in range(threads)
        ]
        self._connections[0].execute("CREATE TABLE bare (id bigserial PRIMARY KEY, body text)")
        in_threads(threads, 10 * threads, self._inserter)()

    def insert(self) -> None:
        """Insert and commit a row."""
        self._inserter(0)()

    def rate(self, operations: int, meter: CpuMeter) -> Sample:
        """Insert rows on all threads; return their rate a second."""
        return rate(operations, meter, in_threads(len(self._connections), operations, self._inserter))

    def _inserter(self, number: int) -> Callable[[], object]:
        connection = self._connections[number]
        return lambda: connection.execute("INSERT INTO bare (body) VALUES (%s)", (BODY,))


def writing_transactions(connection: psycopg.Connection[Any]) -> int:
    """Return how many transactions wrote something; each took an id."""
    return int(connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchall()[0][0])
