"""The archive of finished orders, for commands."""

from collections.abc import Iterator
from datetime import datetime

from adapters.postgres import log_archive
from domain.ports.event_store import ArchivedBatch
from entrypoints.bootstrap.database import check_database, connection_problems_explained


def archive(database_url: str, before: datetime) -> Iterator[ArchivedBatch]:
    """Archive orders that ended ``before``, batch by batch.

    Raises NoDatabaseError, MissingRightError or UnavailableError.
    """
    check_database(database_url)
    with connection_problems_explained(database_url):
        yield from log_archive.archive(database_url, before)
