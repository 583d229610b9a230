"""Upgrade and downgrade of the schema, for commands."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from alembic.util.exc import CommandError

from adapters.postgres import schema_upgrade
from entrypoints.bootstrap.database import connection_problems_explained
from entrypoints.command_errors import CommandFailedError


class UnknownRevisionError(CommandFailedError):
    """The migrations know no such revision."""

    def __init__(self, revision: str) -> None:
        self.revision = revision
        super().__init__(
            f"There is no revision {revision}: look into migrations/versions for those there are."
        )


def upgrade(
    database_url: str, revision: str = "head", *, on_wait: Callable[[str], object] | None = None
) -> None:
    """Upgrade the schema to a revision; idempotent.

    ``on_wait`` is called with a sentence each time a migration has to wait for other transactions. Raises
    NoDatabaseError, UnknownRevisionError or UnavailableError.
    """
    with connection_problems_explained(database_url), _known(revision):
        schema_upgrade.upgrade(database_url, revision, on_wait=on_wait or (lambda _sentence: None))


def downgrade(database_url: str, revision: str) -> None:
    """Downgrade the schema of an empty log; raises the errors of ``upgrade``."""
    with connection_problems_explained(database_url), _known(revision):
        schema_upgrade.downgrade(database_url, revision)


@contextmanager
def _known(revision: str) -> Iterator[None]:
    try:
        yield
    except CommandError as error:
        raise UnknownRevisionError(revision) from error
