"""Statements that go to the driver as constant text.

SQLAlchemy sets up each statement and its result anew, which takes longer than the call; it still manages connections,
transactions and errors.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NoReturn

import psycopg
from psycopg.rows import RowFactory, namedtuple_row, tuple_row
from sqlalchemy import ClauseElement, Connection, text
from sqlalchemy.dialects import postgresql

_DIALECT = postgresql.psycopg.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


def execute(
    connection: Connection, statement: str | ClauseElement, parameters: Mapping[str, object]
) -> psycopg.Cursor[Any]:
    """Execute a constant statement; text has ``:named`` parameters, rows are named tuples."""
    return _execute(connection, statement, parameters, namedtuple_row)


def fetch_plain(
    connection: Connection, statement: str | ClauseElement, parameters: Mapping[str, object]
) -> list[tuple[Any, ...]]:
    """Fetch the rows of a constant statement as plain tuples.

    The server sends them in its binary form, which takes less to read: for many rows.
    """
    return _execute(connection, statement, parameters, tuple_row, binary=True).fetchall()


def stream_plain(
    connection: Connection, statement: str, parameters: Mapping[str, object], page_rows: int
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a constant statement likewise, through a server-side cursor."""
    query, names = _numbered(statement)
    driver_connection: Any = connection.connection.driver_connection
    try:
        with psycopg.RawServerCursor(driver_connection, "stream", row_factory=tuple_row) as cursor:
            cursor.execute(query, [parameters[name] for name in names], binary=True)
            while rows := cursor.fetchmany(page_rows):
                yield from rows
    except psycopg.Error as error:
        _raise_wrapped(connection, query, error)


def _execute(
    connection: Connection,
    statement: str | ClauseElement,
    parameters: Mapping[str, object],
    row_factory: RowFactory[Any],
    *,
    binary: bool = False,
) -> psycopg.Cursor[Any]:
    query, names = _numbered(statement)
    cursor = psycopg.RawCursor(connection.connection.driver_connection, row_factory=row_factory)  # type: ignore[arg-type]
    try:
        return cursor.execute(query, [parameters[name] for name in names], binary=binary)
    except psycopg.Error as error:
        _raise_wrapped(connection, query, error)


def _raise_wrapped(connection: Connection, query: str, error: psycopg.Error) -> NoReturn:
    """Have SQLAlchemy wrap an error, and drop connections that are gone."""
    connection._handle_dbapi_exception(error, query, None, None, None)  # noqa: SLF001 -- the only way


@cache
def _numbered(statement: str | ClauseElement) -> tuple[str, Sequence[str]]:
    """Return the text with numbered parameters, and their names in order."""
    clause = text(statement) if isinstance(statement, str) else statement
    compiled = clause.compile(dialect=_DIALECT)
    return str(compiled), compiled.positiontup or ()  # type: ignore[attr-defined]
