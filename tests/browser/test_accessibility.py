"""axe finds nothing on any page, in light or dark."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.order_states import STATES, OrderStates
from tests.browser.upload_states import UPLOADS
from tests.browser.visitor import NewVisitor, is_accessible
from tests.journeys.running_shop import RunningShop

#: Pixels, from the smallest phone to a large screen.
WIDTHS = (320, 768, 1600)

#: Pages that the shop has without an order.
PAGES = ["/", "/imprint", "/privacy", "/contact", "/reference", "/api/restoration/status/unknown"]


@pytest.mark.parametrize("address", PAGES)
def test_pages_without_an_order_are_accessible(new_visitor: NewVisitor, address: str) -> None:
    is_good(new_visitor, address)


@pytest.mark.parametrize("state", UPLOADS)
def test_an_upload_is_accessible_in_each_state(new_visitor: NewVisitor, photo: Path, state: str) -> None:
    page = UPLOADS[state](new_visitor(), photo)
    is_accessible(page)
    fits(page)


@pytest.mark.parametrize("state", STATES)
def test_the_pages_of_an_order_are_accessible_in_each_state(
    running_shop: RunningShop, new_visitor: NewVisitor, photo: Path, state: str
) -> None:
    with STATES[state](OrderStates(shop=running_shop, photo=photo)) as address:
        is_good(new_visitor, address)


def is_good(new_visitor: NewVisitor, address: str) -> None:
    """Assert that a page is accessible, and fits in both languages."""
    page = new_visitor().open(address)
    expect(page.get_by_text("Something broke on our side")).to_have_count(0)
    is_accessible(page)
    fits(page)
    fits(new_visitor(locale="de-DE").open(address))


def fits(page: Page) -> None:
    """Assert that nothing is cut off at the side."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("locale", ["en-US", "de-DE"])
def test_text_of_twice_the_size_fits_on_a_phone(new_visitor: NewVisitor, locale: str) -> None:
    page = new_visitor(locale=locale, viewport={"width": 390, "height": 844}).open("/")
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
