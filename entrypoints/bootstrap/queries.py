"""The read side, for commands that need no provider."""

from collections.abc import Iterator
from contextlib import contextmanager

from domain.use_cases.queries import Queries
from entrypoints.bootstrap.database import open_unit_of_work
from entrypoints.database_setting import read_database_url


@contextmanager
def open_queries(*, processes: int = 1) -> Iterator[Queries]:
    """All queries; raises SettingsError, and the errors of ``open_unit_of_work``."""
    with open_unit_of_work(read_database_url(), processes=processes) as unit_of_work:
        yield Queries(unit_of_work=unit_of_work, hash_chain=unit_of_work)
