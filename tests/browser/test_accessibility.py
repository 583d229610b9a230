"""axe finds nothing on any page, in light or dark."""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.visitor import NewVisitor, is_accessible
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually


def test_the_page_of_a_delivered_order_and_its_gallery(
    running_shop: RunningShop, new_visitor: NewVisitor, photo: Path
) -> None:
    customer, order_id = running_shop.buy(photo)
    running_shop.waits_for("EmailSent", order_id)
    page = new_visitor().open(f"/api/restoration/status/{order_id}")
    expect(page.get_by_role("button")).to_be_visible()
    is_accessible(page)
    link = eventually(lambda: next(filter(None, map(customer.link_in, customer.mails())), None), "the mail")
    page.goto(link)
    expect(page.get_by_role("img").first).to_be_visible()
    is_accessible(page)
