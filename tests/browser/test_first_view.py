"""Each page on a slow line shows soon and stays in place."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.browser.line import Line
from tests.browser.order_states import OrderStates
from tests.browser.upload_states import ready
from tests.browser.visitor import NewVisitor
from tests.journeys.running_shop import RunningShop

#: What Lighthouse calls a slow 4G line, in bytes a second and milliseconds.
SLOW_4G = {"downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8, "latency": 150}

LIMIT_MS = 1_000

#: A busy machine paints late, whatever the page; one that is too heavy is late each time.
TRIES = 5

Addresses = Callable[[OrderStates, NewVisitor], AbstractContextManager[str]]


@contextmanager
def _home(_: OrderStates, __: NewVisitor) -> Iterator[str]:
    yield "/"


@contextmanager
def _upload(states: OrderStates, new_visitor: NewVisitor) -> Iterator[str]:
    yield str(ready(new_visitor(), states.photo).evaluate("location.href"))


def _order(states: OrderStates, _: NewVisitor) -> AbstractContextManager[str]:
    return states.waiting()


def _gallery(states: OrderStates, _: NewVisitor) -> AbstractContextManager[str]:
    return states.gallery()


@pytest.mark.parametrize("addresses", [_home, _upload, _order, _gallery])
def test_a_page_shows_within_a_second_on_slow_4g_and_stays_where_it_is(
    running_shop: RunningShop, new_visitor: NewVisitor, photo: Path, addresses: Addresses
) -> None:
    with addresses(OrderStates(shop=running_shop, photo=photo), new_visitor) as address:
        fastest = min(_first_views(new_visitor, address))
    assert fastest < LIMIT_MS


def _first_views(new_visitor: NewVisitor, address: str) -> Iterator[float]:
    """Times of first views in milliseconds, until one is short enough."""
    for _ in range(TRIES):
        page = new_visitor(viewport={"width": 390, "height": 844}).watched_page()
        Line(page).change(**SLOW_4G)
        page.goto(address, wait_until="load")
        page.get_by_role("heading", level=1).wait_for()
        assert page.evaluate("window.shift") == 0
        shown: float = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        page.close()
        yield shown
        if shown < LIMIT_MS:
            return
