"""Each port's double, and its real adapter."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.ports.object_storage import ObjectStorage
from domain.ports.unit_of_work import Database
from tests import pgbouncer
from tests.adapters.support.provider_accounts import minio_store
from tests.doubles.object_storage import InMemoryStorage
from tests.doubles.unit_of_work import InMemoryUnitOfWork


@pytest.fixture(params=["double", "minio"])
def store(request: pytest.FixtureRequest) -> ObjectStorage:
    if request.param == "double":
        return InMemoryStorage()
    return minio_store(request.getfixturevalue("s3"))


@pytest.fixture(params=["double", "postgres"])
def unit_of_work(request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty database per test."""
    if request.param == "double":
        yield InMemoryUnitOfWork()
        return
    url = request.getfixturevalue("own_database_url")
    if request.config.getoption("--pgbouncer"):
        url = pgbouncer.through(url, request.getfixturevalue("pgbouncer_port"))
    unit_of_work = PostgresUnitOfWork(url, connections=4)
    yield unit_of_work
    unit_of_work.close()


@pytest.fixture
def folder() -> str:
    """A prefix per test, as they share one bucket."""
    return f"uploads/temp/{uuid4()}"
