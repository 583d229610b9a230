"""Each port twice: its double, and the real adapter against the outside world."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from adapters.postgres.unit_of_work import PostgresBooks
from domain.ports.object_storage import ObjectStore
from domain.ports.unit_of_work import Books
from tests.adapters.support.provider_accounts import minio_store
from tests.doubles.object_storage import MemoryStore
from tests.doubles.unit_of_work import InMemoryBooks


@pytest.fixture(params=["double", "minio"])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    if request.param == "double":
        return MemoryStore()
    return minio_store(request.getfixturevalue("s3"))


@pytest.fixture(params=["double", "postgres"])
def books(request: pytest.FixtureRequest) -> Iterator[Books]:
    """Empty books, for each test its own."""
    if request.param == "double":
        yield InMemoryBooks()
        return
    books = PostgresBooks(request.getfixturevalue("own_database_url"), connections=4)
    yield books
    books.close()


@pytest.fixture
def folder() -> str:
    """A prefix of its own for each test, for they share one bucket."""
    return f"uploads/temp/{uuid4()}"
