"""A database into which a dump is restored."""

from sqlalchemy import text

from adapters.postgres.connections import connect
from adapters.postgres.schema import UnfitServerError

_TABLES = text(
    """SELECT count(*) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'"""
)


class DatabaseNotEmptyError(UnfitServerError):
    """A dump would be mixed with what is there."""

    def __init__(self, tables: int) -> None:
        self.tables = tables
        super().__init__(
            f"it has {tables} tables already, and a dump is restored into an empty database only"
        )


def require_empty(database_url: str) -> None:
    """Raise DatabaseNotEmptyError if there is a table."""
    engine = connect(database_url, connections=1)
    try:
        with engine.connect() as connection:
            tables = connection.execute(_TABLES).scalar_one()
    finally:
        engine.dispose()
    if tables:
        raise DatabaseNotEmptyError(tables)


def renew_transaction_ids(database_url: str) -> None:
    """Give all events a transaction id of this cluster.

    Those in a dump are of another cluster and may be in the future of this one, where readers of the whole log would
    wait for them. All events are of one transaction afterwards, and follow each other by their position. The trigger
    that refuses changes of the log is off within this transaction only.
    """
    engine = connect(database_url, connections=1, statement_timeout_seconds=None)
    try:
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE events DISABLE TRIGGER events_append_only"))
            connection.execute(text("UPDATE events SET txid = pg_current_xact_id()"))
            connection.execute(text("ALTER TABLE events ENABLE ALWAYS TRIGGER events_append_only"))
    finally:
        engine.dispose()
