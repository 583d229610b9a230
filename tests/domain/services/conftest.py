"""A shop of doubles for each test."""

import pytest

from tests.doubles.shop import MemoryShop


@pytest.fixture
def shop() -> MemoryShop:
    return MemoryShop()
