"""Transactions on PostgreSQL, the rebuild of the read models, and the schema's revisions."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import groupby
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from adapters.postgres.admissions import PostgresAdmissions
from adapters.postgres.auditing import PostgresAudit, PostgresRounds
from adapters.postgres.codec import Codec
from adapters.postgres.log import PostgresOrderLog, all_streams, chained_events
from adapters.postgres.notes import PostgresNoteBook
from adapters.postgres.persons import PostgresPersonalRecords
from adapters.postgres.points import PostgresPointsBook
from adapters.postgres.reactions import PostgresReactionTable
from adapters.postgres.read_models import changed_rows
from adapters.postgres.recordset import as_json, upsert_from_json
from adapters.postgres.registers import PostgresCustomerRegister, PostgresInbox, PostgresOrderShelf
from adapters.postgres.tables import READ_MODELS
from adapters.postgres.unmatched import PostgresUnmatchedPayments
from adapters.postgres.uploads import PostgresUploadDesk
from domain.model.evolve import fold
from domain.model.order import Order
from domain.model.values import OrderId
from domain.ports.books import Books, Transaction
from domain.ports.errors import UnavailableError
from domain.ports.log import ChainedEvent

CONNECT_TIMEOUT_SECONDS = 5
#: A statement that takes longer than this is a defect, not work.
STATEMENT_TIMEOUT_SECONDS = 30
#: No transaction of ours waits for anything but the database. Whoever is silent in the middle of one for so long has
#: been stopped, or is gone, and must not keep locks that all others wait for.
IDLE_IN_TRANSACTION_SECONDS = 5.0

_OUTAGES = (OperationalError, InterfaceError, PoolTimeoutError)


class StaleSchemaError(UnavailableError):
    """The database answers, but its schema is not the one this program works with."""

    def __init__(self, found: str | None, newest: str | None) -> None:
        self.found = found
        self.newest = newest
        stands = f"its schema is at {found}, not {newest}" if found else "it has no schema yet"
        super().__init__("PostgreSQL", f"{stands}; run `restoreclick db upgrade`")

    def __str__(self) -> str:
        return f"PostgreSQL cannot be used: {self.detail}."


class PostgresTransaction(Transaction):
    """Everything one transaction can touch, on one connection."""

    def __init__(self, connection: Connection, codec: Codec) -> None:
        self.uploads = PostgresUploadDesk(connection)
        self.customers = PostgresCustomerRegister(connection)
        self.persons = PostgresPersonalRecords(connection)
        self.points = PostgresPointsBook(connection)
        self.inbox = PostgresInbox(connection)
        self.unmatched = PostgresUnmatchedPayments(connection)
        self.reactions = PostgresReactionTable(connection)
        self.admissions = PostgresAdmissions(connection)
        self.log = PostgresOrderLog(connection, codec)
        self.shelf = PostgresOrderShelf(connection)
        self.audit = PostgresAudit(connection, codec)
        self.rounds = PostgresRounds(connection)
        self.notes = PostgresNoteBook(connection)


class PostgresBooks(Books):
    """The books behind a ``postgresql://`` address, with a pool of connections."""

    def __init__(self, database_url: str, *, connections: int = 16, codec: Codec | None = None) -> None:
        self._codec = codec or Codec()
        self._engine = connect(database_url, connections=connections)

    @contextmanager
    def transaction(self) -> Iterator[PostgresTransaction]:
        """Commit when the block ends, roll back when it raises; raises UnavailableError when the server is away."""
        try:
            with self._engine.begin() as connection:
                yield PostgresTransaction(connection, self._codec)
        except _OUTAGES as error:
            raise UnavailableError("PostgreSQL", type(error).__name__) from error
        except DBAPIError as error:
            # Not every way in which the server ends a connection is called operational.
            if not error.connection_invalidated:
                raise
            raise UnavailableError("PostgreSQL", type(error).__name__) from error

    def rebuild(self) -> Iterator[OrderId]:
        """Write every read model anew, one order at a time; the log takes nothing meanwhile, and is streamed."""
        with (
            self._engine.begin() as connection,
            self._engine.connect() as reader,
            closing(all_streams(reader, self._codec)) as events,
        ):
            connection.execute(text("LOCK TABLE events IN SHARE MODE"))
            connection.execute(text(f"TRUNCATE {', '.join(table.name for table in READ_MODELS)}"))
            for order_id, stream in groupby(events, key=lambda recorded: recorded.order_id):
                order = fold(order_id, stream)
                for table, rows in changed_rows(Order(order_id=order_id), order).items():
                    connection.execute(
                        text(upsert_from_json(table, tuple(rows[0]), "rows")), {"rows": as_json(rows)}
                    )
                yield order_id

    def chained_events(self, order_id: OrderId | None = None) -> Iterator[ChainedEvent]:
        """The log with its hashes, streamed as it stands when the first event is read; see the port."""
        with self._engine.connect() as reader, closing(chained_events(reader, order_id)) as events:
            yield from events

    def check(self) -> None:
        """Raise UnavailableError unless the database answers and its schema is at the newest revision."""
        try:
            with self._engine.connect() as connection:
                found = MigrationContext.configure(connection).get_current_revision()
        except _OUTAGES as error:
            raise UnavailableError("PostgreSQL", "no connection; check DATABASE_URL") from error
        newest = ScriptDirectory.from_config(_alembic()).get_current_head()
        if found != newest:
            raise StaleSchemaError(found, newest)

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()


def connect(database_url: str, *, connections: int) -> Engine:
    """An engine on psycopg 3 for a plain ``postgresql://`` address."""
    return create_engine(
        make_url(database_url).set(drivername="postgresql+psycopg"),
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,  # an error's text must not carry what customers sent
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            # A server that vanishes without a word is noticed within a minute, not after hours.
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
            "options": (
                f"-c statement_timeout={STATEMENT_TIMEOUT_SECONDS}s -c timezone=UTC"
                f" -c idle_in_transaction_session_timeout={int(IDLE_IN_TRANSACTION_SECONDS * 1000)}ms"
            ),
        },
    )


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the schema to a revision; running it twice, or from two processes at once, is harmless."""
    _migrate(database_url, lambda config: command.upgrade(config, revision))


def downgrade(database_url: str, revision: str = "base") -> None:
    """Take the schema back to a revision, with all the data that later ones hold."""
    _migrate(database_url, lambda config: command.downgrade(config, revision))


def _migrate(database_url: str, run: Callable[[Config], None]) -> None:
    with ExitStack() as stack:
        engine = connect(database_url, connections=1)
        stack.callback(engine.dispose)
        connection = stack.enter_context(engine.begin())
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('restoreclick schema'))"))
        config = _alembic()
        config.attributes["connection"] = connection
        run(config)


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[2] / "migrations"))
    return config
