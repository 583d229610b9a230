"""axe finds nothing on any page, in light or dark."""

from pathlib import Path

import pytest

from tests.browser.order_states import STATES, OrderStates
from tests.browser.upload_states import UPLOADS
from tests.browser.visitor import NewVisitor, is_accessible
from tests.journeys.running_shop import RunningShop

#: Pages that the shop has without an order.
PAGES = ["/", "/imprint", "/privacy", "/contact", "/reference", "/api/restoration/status/unknown"]


@pytest.mark.parametrize("address", PAGES)
def test_pages_without_an_order_are_accessible(new_visitor: NewVisitor, address: str) -> None:
    is_accessible(new_visitor().open(address))


@pytest.mark.parametrize("state", UPLOADS)
def test_an_upload_is_accessible_in_each_state(new_visitor: NewVisitor, photo: Path, state: str) -> None:
    is_accessible(UPLOADS[state](new_visitor(), photo))


@pytest.mark.parametrize("state", STATES)
def test_the_pages_of_an_order_are_accessible_in_each_state(
    running_shop: RunningShop, new_visitor: NewVisitor, photo: Path, state: str
) -> None:
    with STATES[state](OrderStates(shop=running_shop, photo=photo)) as address:
        is_accessible(new_visitor().open(address))
