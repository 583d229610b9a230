"""A shop of doubles for each test."""

import pytest

from tests.doubles.container import InMemoryShop


@pytest.fixture
def shop() -> InMemoryShop:
    return InMemoryShop()
