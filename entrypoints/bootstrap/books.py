"""The books alone, for the commands that look into them or keep their schema: no provider is loaded for these."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic.util.exc import CommandError
from sqlalchemy.exc import OperationalError

from adapters.postgres import books as postgres
from domain.ports.books import Books
from domain.ports.errors import UnavailableError
from entrypoints.failures import CommandFailedError
from entrypoints.settings import DatabaseSettings


class UnknownRevisionError(CommandFailedError):
    """The migrations know no such revision."""

    def __init__(self, revision: str) -> None:
        self.revision = revision
        super().__init__(
            f"There is no revision {revision}: look into migrations/versions for those there are."
        )


@contextmanager
def open_books(settings: DatabaseSettings, *, connections: int = 2) -> Iterator[Books]:
    """The books, once they answer and their schema is current; raises UnavailableError if not."""
    books = postgres.PostgresBooks(settings.database_url, connections=connections)
    try:
        books.check()
        yield books
    finally:
        books.close()


def upgrade(settings: DatabaseSettings, revision: str = "head") -> None:
    """Bring the schema to a revision; raises UnavailableError or UnknownRevisionError."""
    with _explained(revision):
        postgres.upgrade(settings.database_url, revision)


def downgrade(settings: DatabaseSettings, revision: str) -> None:
    """Take the schema back to a revision, with all the data later ones hold; raises as ``upgrade`` does."""
    with _explained(revision):
        postgres.downgrade(settings.database_url, revision)


@contextmanager
def _explained(revision: str) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise UnavailableError("PostgreSQL", "no connection; check DATABASE_URL") from error
    except CommandError as error:
        raise UnknownRevisionError(revision) from error
