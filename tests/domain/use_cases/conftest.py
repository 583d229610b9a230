"""A shop of doubles for each test."""

import pytest

from tests.doubles.container import MemoryShop


@pytest.fixture
def shop() -> MemoryShop:
    return MemoryShop()
