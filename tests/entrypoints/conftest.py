"""What the tests of more than one doorway share."""

from collections.abc import Iterator

import pytest
from litestar.testing import TestClient

from tests.entrypoints.http_fixtures import Doorway, HttpShop, application


@pytest.fixture
def door() -> Iterator[Doorway]:
    """The HTTP doorway of a shop that has not seen anybody yet."""
    shop = HttpShop()
    with TestClient(application(shop), raise_server_exceptions=False) as http:
        yield Doorway(shop, http)
