"""Upgrade and downgrade of the schema by Alembic."""

import time
from collections.abc import Callable

from alembic import command
from alembic.config import Config
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from adapters.postgres.schema import (
    MIGRATIONS,
    OLDEST_TRANSACTION,
    EventsExistError,
    SchemaInUseError,
    exclusive_connection,
)

#: How often a migration is retried, and how long the table is free for others between attempts.
LOCK_ATTEMPTS = 20
LOCK_PAUSE_SECONDS = 2.0


def upgrade(
    database_url: str, revision: str = "head", *, on_wait: Callable[[str], object] = lambda _sentence: None
) -> None:
    """Bring the schema to a revision.

    Idempotent, and safe from several processes at once. Each migration is a transaction of its own, so that no table
    is locked for longer than its own change takes. One that gets no lock in time is retried; ``on_wait`` receives a
    sentence for each wait. Raises SchemaInUseError, OutdatedServerError or NewerSchemaError.
    """
    with exclusive_connection(database_url) as connection:
        for attempt in range(1, LOCK_ATTEMPTS + 1):
            try:
                command.upgrade(alembic_config(connection), revision)
            except OperationalError as error:
                connection.rollback()
                if not isinstance(error.orig, LockNotAvailable):
                    raise
                if attempt == LOCK_ATTEMPTS:
                    raise SchemaInUseError(connection.execute(OLDEST_TRANSACTION).scalar()) from error
                on_wait(
                    f"A table is in use by others: trying again in {LOCK_PAUSE_SECONDS:g} s"
                    f" ({attempt} of {LOCK_ATTEMPTS})."
                )
                time.sleep(LOCK_PAUSE_SECONDS)
            else:
                connection.commit()
                return


def downgrade(database_url: str, revision: str = "base") -> None:
    """Downgrade the schema, deleting later data; raise EventsExistError if events exist."""
    with exclusive_connection(database_url) as connection, connection.begin():
        if connection.execute(text("SELECT to_regclass('events')")).scalar() is not None:
            # No event may be appended between the count and the end.
            connection.execute(text("LOCK TABLE events IN SHARE ROW EXCLUSIVE MODE"))
            events = connection.execute(text("SELECT count(*) FROM events")).scalar_one()
            if events:
                raise EventsExistError(events)
        command.downgrade(alembic_config(connection), revision)


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's configuration for commands on this connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
