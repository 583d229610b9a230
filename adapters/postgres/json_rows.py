"""SQL that writes many rows from JSON, or one from its values."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.dialects import postgresql

from adapters.postgres import tables

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]

#: Their ``str`` is what PostgreSQL reads; any other value is written as JSON.
_PLAIN = (str, int, UUID, datetime)


def as_json(rows: Iterable[Any]) -> str:
    """Return rows as a JSON array of values that PostgreSQL parses."""
    return msgspec.json.encode(list(rows)).decode()


def insert_rows(
    table_name: str, columns: tuple[str, ...], rows: Sequence[Mapping[str, Any]]
) -> tuple[str, dict[str, str | None]]:
    """Return an INSERT of the rows, and its parameters.

    The values of a single row are parameters of their own, all of them text so that the statement stays prepared: that
    takes PostgreSQL half as long as reading them from JSON. An ON CONFLICT clause may be appended.
    """
    if len(rows) != 1:
        return insert_from_json(table_name, columns, table_name), {table_name: as_json(rows)}
    insert, parameters = _insert_one(table_name, columns)
    return insert, {
        parameter: _as_text(rows[0][name]) for parameter, name in zip(parameters, columns, strict=True)
    }


@cache
def _insert_one(table_name: str, columns: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    parameters = tuple(f"{table_name}_{name}" for name in columns)
    values = ", ".join(f":{parameter}" for parameter in parameters)
    return f"INSERT INTO {table_name} ({', '.join(columns)}) VALUES ({values})", parameters


def _as_text(value: object) -> str | None:
    if value is None or type(value) is str:
        return value
    return str(value) if isinstance(value, _PLAIN) else msgspec.json.encode(value).decode()


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
def overwriting(table_name: str, columns: tuple[str, ...]) -> str:
    """Return the clause that overwrites rows of the same primary key."""
    key = [column.name for column in tables.metadata.tables[table_name].primary_key]
    assignments = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns if name not in key)
    return f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {assignments}"
