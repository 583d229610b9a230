"""What the adapters' tests share."""

from collections.abc import Iterator

import pytest

from adapters.postgres.unit_of_work import PostgresBooks
from tests.adapters.support.misbehaving_server import RogueServer, rogue_server
from tests.doubles.container import MemoryShop


@pytest.fixture
def rogue() -> Iterator[RogueServer]:
    with rogue_server() as server:
        yield server


@pytest.fixture
def shop(own_database_url: str) -> Iterator[MemoryShop]:
    """A shop of doubles on real books that several can use at once."""
    books = PostgresBooks(own_database_url, connections=8)
    yield MemoryShop(books=books)
    books.close()
