"""SQL that writes many rows at once from a JSON parameter."""

from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec
from sqlalchemy.dialects import postgresql

from adapters.postgres import tables

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def as_json(rows: Iterable[Any]) -> str:
    """Return rows as a JSON array of values that PostgreSQL parses."""
    return msgspec.json.encode(list(rows)).decode()


@cache
def insert_from_json(table_name: str, columns: tuple[str, ...], parameter: str) -> str:
    """Return an INSERT of the rows in the JSON array ``:parameter``.

    An ON CONFLICT clause may be appended.
    """
    names = ", ".join(columns)
    return f"INSERT INTO {table_name} ({names}) {select_from_json(table_name, columns, parameter)}"


@cache
def select_from_json(table_name: str, columns: tuple[str, ...], parameter: str) -> str:
    """Return a SELECT of the rows in ``:parameter``, with the table's types."""
    table = tables.metadata.tables[table_name]
    names = ", ".join(columns)
    typed = ", ".join(f"{name} {table.c[name].type.compile(_DIALECT)}" for name in columns)
    return f"SELECT {names} FROM jsonb_to_recordset(CAST(:{parameter} AS jsonb)) AS given ({typed})"


@cache
def upsert_from_json(table_name: str, columns: tuple[str, ...], parameter: str) -> str:
    """Return an upsert that overwrites rows with the same primary key."""
    key = [column.name for column in tables.metadata.tables[table_name].primary_key]
    assignments = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns if name not in key)
    insert = insert_from_json(table_name, columns, parameter)
    return f"{insert} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {assignments}"
