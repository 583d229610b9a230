"""Fixtures of the tests on PostgreSQL."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from adapters.postgres.unit_of_work import PostgresUnitOfWork


@pytest.fixture
def unit_of_work(own_database_url: str) -> Iterator[PostgresUnitOfWork]:
    with closing(PostgresUnitOfWork(own_database_url)) as unit_of_work:
        yield unit_of_work
