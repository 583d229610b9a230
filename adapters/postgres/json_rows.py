"""Many rows in one statement: JSON in, rows out, typed by the tables themselves."""

from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from adapters.postgres import tables

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def as_json(rows: Iterable[Any]) -> str:
    """Rows as one JSON array; ids, moments and enums in the forms PostgreSQL reads."""
    return msgspec.json.encode(list(rows)).decode()


@cache
def insert_from_json(table_name: str, columns: tuple[str, ...], parameter: str) -> str:
    """An INSERT of the rows in the JSON array ``:parameter``, to be followed by ON CONFLICT or nothing."""
    names = ", ".join(columns)
    return f"INSERT INTO {table_name} ({names}) {select_from_json(table_name, columns, parameter)}"


@cache
def select_from_json(table_name: str, columns: tuple[str, ...], parameter: str) -> str:
    """The rows in the JSON array ``:parameter``, typed as the table's own."""
    table = tables.metadata.tables[table_name]
    names = ", ".join(columns)
    typed = ", ".join(f"{name} {_sql_type(table, name)}" for name in columns)
    return f"SELECT {names} FROM jsonb_to_recordset(CAST(:{parameter} AS jsonb)) AS given ({typed})"


@cache
def upsert_from_json(table_name: str, columns: tuple[str, ...], parameter: str) -> str:
    """An INSERT that overwrites what stands under the same primary key."""
    key = [column.name for column in tables.metadata.tables[table_name].primary_key]
    assignments = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns if name not in key)
    insert = insert_from_json(table_name, columns, parameter)
    return f"{insert} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {assignments}"


def _sql_type(table: Table, column: str) -> str:
    return table.c[column].type.compile(_DIALECT)
