"""One shop and one Chromium for all tests in a browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from sandbox.demo.local_shop import LocalShop
from tests.browser.chromium import PATIENCE_MS, chromium
from tests.browser.visitor import NewVisitor, Visitor
from tests.journeys.running_shop import RunningShop


@pytest.fixture(scope="session")
def local_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalShop]:
    with LocalShop(tmp_path_factory.mktemp("browser") / "shop") as shop:
        yield shop


@pytest.fixture
def running_shop(local_shop: LocalShop) -> Iterator[RunningShop]:
    with RunningShop(local_shop) as running_shop:
        yield running_shop


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def new_visitor(browser: Browser, local_shop: LocalShop) -> Iterator[NewVisitor]:
    """Create visitors; none may see an error in the browser."""
    visitors: list[Visitor] = []

    def new(**options: Any) -> Visitor:
        visitor = Visitor(browser, local_shop.url, **options)
        visitor.context.set_default_timeout(PATIENCE_MS)
        visitors.append(visitor)
        return visitor

    yield new
    for visitor in visitors:
        visitor.context.close()
    assert [complaint for visitor in visitors for complaint in visitor.complaints] == []


@pytest.fixture(scope="session")
def photo() -> Path:
    """A small picture, so that restoring it takes hardly any time."""
    return Path(__file__).parents[1] / "journeys" / "harvest-1926.jpg"
