"""Statements that go to the driver as constant text.

SQLAlchemy builds and looks up a statement's text with each call, which takes longer than the call; it still manages
connections, transactions and errors.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import ClauseElement, Connection, CursorResult, text
from sqlalchemy.dialects import postgresql

_DIALECT = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]


def compiled(statement: ClauseElement) -> str:
    """Return a statement in the form that the driver takes."""
    return str(statement.compile(dialect=_DIALECT))


def execute(connection: Connection, statement: str, parameters: Mapping[str, object]) -> CursorResult[Any]:
    """Execute a statement with ``:named`` parameters."""
    return connection.exec_driver_sql(_driver_sql(statement), dict(parameters))


@cache
def _driver_sql(statement: str) -> str:
    return compiled(text(statement))
