"""What the adapters' tests share."""

from collections.abc import Iterator

import pytest

from tests.adapters.rogue import RogueServer, rogue_server


@pytest.fixture
def rogue() -> Iterator[RogueServer]:
    with rogue_server() as server:
        yield server
