"""What a PostgreSQL server and database are set to, for an operator."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from adapters.circuit_breaker import CircuitBreaker
from adapters.postgres.connections import connect
from adapters.postgres.outages import PROVIDER, outages

_FACTS = text(
    """SELECT current_setting('server_version_num')::integer AS version,
        current_setting('server_encoding') AS encoding,
        current_setting('fsync') AS fsync,
        current_setting('full_page_writes') AS full_page_writes,
        current_setting('synchronous_commit') AS synchronous_commit,
        current_setting('max_connections')::integer
            - current_setting('superuser_reserved_connections')::integer AS connections,
        clock_timestamp() AS now"""
)


@dataclass(frozen=True, kw_only=True)
class ServerFacts:
    """The server's settings that the shop depends on; ``now`` is its time."""

    major_version: int
    encoding: str
    is_durable: bool  # what was committed survives a crash of the machine
    connections: int
    now: datetime


def server_facts(database_url: str) -> ServerFacts:
    """Read the facts; raises UnavailableError.

    A read-only server answers, too.
    """
    engine = connect(database_url, connections=1)
    try:
        with outages(CircuitBreaker(PROVIDER)), engine.connect() as connection:
            row = connection.execute(_FACTS).one()
    finally:
        engine.dispose()
    return ServerFacts(
        major_version=row.version // 10_000,
        encoding=row.encoding,
        is_durable="off" not in {row.fsync, row.full_page_writes, row.synchronous_commit},
        connections=row.connections,
        now=row.now,
    )
