"""Fixtures of the adapters' tests."""

from collections.abc import Iterator

import pytest

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from sandbox.services import valkey
from tests.adapters.support.misbehaving_server import RogueServer, rogue_server
from tests.doubles.container import InMemoryShop


@pytest.fixture
def rogue() -> Iterator[RogueServer]:
    with rogue_server() as server:
        yield server


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
def shop(own_database_url: str) -> Iterator[InMemoryShop]:
    """A shop of doubles on a real database, for concurrent use."""
    unit_of_work = PostgresUnitOfWork(own_database_url, connections=8)
    yield InMemoryShop(unit_of_work=unit_of_work)
    unit_of_work.close()
