"""PostgreSQL's catalogs as comparable strings."""

from typing import LiteralString

import psycopg
from alembic import command

from adapters.postgres.connections import connect
from adapters.postgres.schema_upgrade import alembic_config

_CHECKS: LiteralString = """
    SELECT conrelid::regclass || ': ' || pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype = 'c' AND connamespace = 'public'::regnamespace"""
_INDEXES: LiteralString = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
_FOREIGN_KEYS: LiteralString = """
    SELECT conrelid::regclass || ': ' || pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype = 'f' AND connamespace = 'public'::regnamespace"""
_TRIGGERS: LiteralString = """
    SELECT pg_get_triggerdef(oid) || CASE tgenabled WHEN 'A' THEN ' (ALWAYS)' ELSE '' END FROM pg_trigger
    WHERE NOT tgisinternal"""
_FUNCTIONS: LiteralString = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
_COLUMNS: LiteralString = """
    SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
        || coalesce(column_default, is_identity || coalesce(identity_generation, ''))
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> 'alembic_version'"""


def _asked(database_url: str, question: LiteralString) -> set[str]:
    with psycopg.connect(database_url) as connection:
        return {row[0] for row in connection.execute(question)}


def checks(database_url: str) -> set[str]:
    return _asked(database_url, _CHECKS)


def indexes(database_url: str) -> set[str]:
    return {line for line in _asked(database_url, _INDEXES) if "alembic_version" not in line}


def foreign_keys(database_url: str) -> set[str]:
    return _asked(database_url, _FOREIGN_KEYS)


def triggers(database_url: str) -> set[str]:
    return _asked(database_url, _TRIGGERS)


def functions(database_url: str) -> set[str]:
    return _asked(database_url, _FUNCTIONS)


def columns(database_url: str) -> set[str]:
    return _asked(database_url, _COLUMNS)


def take_back(database_url: str, revision: str) -> None:
    """Downgrade the schema despite events, to test upgrades of old ones."""
    engine = connect(database_url, connections=1)
    with engine.begin() as connection:
        command.downgrade(alembic_config(connection), revision)
    engine.dispose()
