"""Copies of the migrated database, and one that is emptied."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from uuid import uuid4

import psycopg
from sqlalchemy import make_url

from tests.changeable_log import changeable_log

#: Filled by migrations, and written by no test that leaves the schema as it is.
_MIGRATED = ("alembic_version", "schema_compatibility")

_CATALOGS = {
    "pg_class": "oid",
    "pg_attribute": "attrelid",
    "pg_attrdef": "oid",
    "pg_constraint": "oid",
    "pg_index": "indexrelid",
    "pg_namespace": "oid",
    "pg_proc": "oid",
    "pg_trigger": "oid",
    "pg_type": "oid",
}

_SETTINGS_OF_THIS_DATABASE = """
    SELECT 1, xmin::text FROM pg_db_role_setting
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

#: Each object of the schema with the transaction that last wrote it: any change of the schema changes these.
_SCHEMA = " UNION ALL ".join(
    [
        _SETTINGS_OF_THIS_DATABASE,
        *(f"SELECT 0, xmin::text FROM {table}" for table in _MIGRATED),
        *(
            f"SELECT {key}::bigint, xmin::text FROM {name} WHERE {key} >= 16384"
            for name, key in _CATALOGS.items()
        ),
    ]
)


class EmptiedDatabase:
    """A database that one test after another has for itself.

    It is emptied after each, which costs a twentieth of a new copy. After a test that changed its schema the
    next one gets a new copy.
    """

    def __init__(self, template_url: str) -> None:
        self._template_url = template_url
        self._copy = ExitStack()
        self._url = ""
        self._schema: list[tuple[int, str]] = []

    @contextmanager
    def on_loan(self) -> Iterator[str]:
        """Return the URL of the empty database; end all its sessions afterwards."""
        if not self._url:
            self._url = self._copy.enter_context(copy_of(self._template_url))
            with psycopg.connect(self._url) as connection:
                self._schema = _schema(connection)
        try:
            yield self._url
        finally:
            self._empty()

    def close(self) -> None:
        """Drop the database."""
        self._url = ""
        self._copy.close()

    def _empty(self) -> None:
        try:
            with psycopg.connect(self._url, autocommit=True) as connection:
                _end_other_sessions(connection)
                if _schema(connection) != self._schema:
                    self.close()
                    return
                _delete_all_rows(connection)
                self._schema = _schema(connection)
        except psycopg.Error:  # the test took the database or tables away
            self.close()


@contextmanager
def copy_of(database_url: str) -> Iterator[str]:
    """Return the URL of a copy of a database; drop it afterwards."""
    source = make_url(database_url)
    name = f"shop_{uuid4().hex}"
    server = source.set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source.database}"')
        try:
            yield source.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _end_other_sessions(connection: psycopg.Connection) -> None:
    connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def _schema(connection: psycopg.Connection) -> list[tuple[int, str]]:
    return sorted(connection.execute(_SCHEMA).fetchall())


def _delete_all_rows(connection: psycopg.Connection) -> None:
    """Delete every row but those of migrations, and restart every sequence.

    TRUNCATE would write new files for each table.
    """
    tables = [
        name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    ]
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")  # without foreign keys
        with changeable_log(connection):
            connection.execute("; ".join(f'DELETE FROM "{name}"' for name in tables if name not in _MIGRATED))
        connection.execute("SELECT setval(seqrelid, seqstart, false) FROM pg_sequence")
