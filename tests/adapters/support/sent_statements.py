"""The statements that this process sends to PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import psycopg


@contextmanager
def sent_statements() -> Iterator[list[str]]:
    """Yield the statements that the block sends, by any way."""
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def noting(cursor: psycopg.Cursor[Any], query: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(str(query))
        return execute(cursor, query, *arguments, **options)

    with patch.object(psycopg.Cursor, "execute", noting):
        yield sent
