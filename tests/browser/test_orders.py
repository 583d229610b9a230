"""Whole orders, as different people place them."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image
from playwright.sync_api import Error, Locator, Page, Route, expect

from sandbox.demo.http_customer import Customer
from sandbox.demo.local_shop import LocalShop
from tests.browser.chromium import PATIENCE_MS
from tests.browser.visitor import PHONE, NewVisitor, is_accessible
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

#: Whether an element with the focus, or what represents it, has an outline.
FOCUS_IS_SEEN = """
    (element) => {
        const outlined = (each) => getComputedStyle(each).outlineStyle !== "none";
        for (let each = element; each; each = each.parentElement) if (outlined(each)) return true;
        return [...element.parentElement.children].some(outlined);
    }
"""

#: More than any page has places to stop at.
MOST_STOPS = 80


@pytest.fixture
def customer(local_shop: LocalShop) -> Iterator[Customer]:
    """A person with a mailbox."""
    email = f"{uuid4().hex}@customer.example"
    with Customer(local_shop.url, local_shop.addresses["sendgrid"], email=email) as customer:
        yield customer


def test_an_order_by_mouse(new_visitor: NewVisitor, customer: Customer, photo: Path, tmp_path: Path) -> None:
    page = new_visitor().open("/")
    with page.expect_file_chooser() as chooser:
        page.get_by_label("Choose photos").click()
    chooser.value.set_files([photo])
    preview = page.get_by_role("img", name=f"Preview of {photo.name}")
    expect(preview).to_be_visible()
    eventually(lambda: preview.evaluate("picture => picture.naturalWidth > 0"), "the preview")
    expect(page.get_by_role("button", name="Pay €4.90")).to_be_enabled()
    page.get_by_role("button", name="Pay €4.90").click()
    page.get_by_label("E-mail").fill(customer.email)
    page.get_by_role("button", name="Pay 4.90 EUR").click()
    expect(page).to_have_url(re.compile("/restoration/status/"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your photos are ready")
    page.goto(link(customer))
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Save this photo: {photo.name}").click()
    saved = tmp_path / "saved"
    download.value.save_as(saved)
    Image.open(saved).verify()


def test_an_order_by_keyboard_alone(new_visitor: NewVisitor, customer: Customer, photo: Path) -> None:
    page = new_visitor().open("/")
    page.wait_for_load_state("networkidle")  # a key pressed before opens no chooser on a busy machine
    tab_to(page, page.get_by_label("Choose photos"))
    choose_by_key(page, photo)
    pay = page.get_by_role("button", name=re.compile("^Pay €"))
    expect(pay).to_be_enabled()
    tab_to(page, page.get_by_label("E-mail address"))
    page.keyboard.type(customer.email)
    tab_to(page, pay)
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name=re.compile("^Pay .* EUR$")))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/restoration/status/"))
    page.goto(link(customer))
    tab_to(page, page.get_by_role("button", name="Save").first)
    with page.expect_download():
        page.keyboard.press("Enter")


def test_an_order_on_a_phone(new_visitor: NewVisitor, customer: Customer, photo: Path) -> None:
    visitor = new_visitor(**PHONE)
    page = visitor.open("/")
    fits(page)
    page.set_input_files("[data-choose]", photo)
    pay = page.get_by_role("button", name=re.compile("^Pay €"))
    expect(pay).to_be_enabled()
    fits(page)
    is_accessible(page)
    page.get_by_label("E-mail address").fill(customer.email)
    pay.tap()
    page.get_by_role("button", name=re.compile("^Pay .* EUR$")).tap()
    expect(page).to_have_url(re.compile("/restoration/status/"))
    fits(page)
    page.goto(link(customer))
    fits(page)


def test_an_order_in_german(new_visitor: NewVisitor, customer: Customer, photo: Path) -> None:
    page = new_visitor(locale="de-DE").open("/")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.set_input_files("[data-choose]", photo)
    page.get_by_role("button", name=re.compile(r"^4,90\s€ bezahlen")).click()
    page.get_by_label("E-mail").fill(customer.email)
    page.get_by_role("button", name=re.compile("^Pay .* EUR$")).click()
    expect(page).to_have_url(re.compile("/restoration/status/"))
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.goto(link(customer))
    expect(page.locator("html")).to_have_attribute("lang", "de")
    assert all("Foto" in mail["subject"] for mail in customer.mails())


def test_an_order_without_scripts(new_visitor: NewVisitor, customer: Customer, photo: Path) -> None:
    order_by_plain_forms(new_visitor(java_script_enabled=False).open("/"), customer, photo)


def test_an_order_whose_page_scripts_do_not_arrive(
    new_visitor: NewVisitor, customer: Customer, photo: Path
) -> None:
    visitor = new_visitor()
    visitor.context.route(re.compile("/built/(?!start)"), lambda route: route.abort())
    order_by_plain_forms(visitor.open("/"), customer, photo)
    visitor.complaints.clear()  # the browser logs the missing file itself


def test_an_order_where_every_script_is_blocked(
    new_visitor: NewVisitor, running_shop: RunningShop, customer: Customer, photo: Path
) -> None:
    visitor = new_visitor()
    visitor.context.route(re.compile("/built/"), lambda route: route.abort())
    page = visitor.open("/")
    page.set_input_files("[data-choose]", photo)
    page.locator("[data-send]").click()
    page.get_by_label("E-mail address").fill(customer.email)
    with running_shop.worker_asleep():
        page.get_by_role("button", name=re.compile("^Pay €")).click()
        page.get_by_role("button", name=re.compile("^Pay .* EUR$")).click()
        page.wait_for_url(re.compile("/uploads/|/restoration/status/"))
        while "/uploads/" in page.url:
            page.get_by_role("link", name="See whether something has changed").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Thank you")
    link(customer)
    page.get_by_role("link", name="See whether something has changed").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your photos are ready")
    visitor.complaints.clear()  # the browser logs the missing files itself


def test_an_order_whose_script_ends_with_an_error(
    new_visitor: NewVisitor, customer: Customer, photo: Path
) -> None:
    visitor = new_visitor()
    broken = {"content_type": "text/javascript", "body": "document.nothing.here();"}
    visitor.context.route("**/built/upload-*.js", lambda route: route.fulfill(**broken))
    order_by_plain_forms(visitor.open("/"), customer, photo)
    visitor.complaints.clear()  # that the script is broken


def test_photos_chosen_before_the_script_arrives_are_uploaded(new_visitor: NewVisitor, photo: Path) -> None:
    visitor = new_visitor()
    waiting: list[Route] = []
    visitor.context.route("**/built/upload-*.js", lambda route: waiting.append(route))  # noqa: PLW0108 -- it needs a function
    page = visitor.context.new_page()
    page.goto("/", wait_until="commit")
    page.set_input_files("[data-choose]", photo)
    eventually(lambda: waiting, "the request of the script")
    waiting.pop().continue_()
    expect(page.get_by_role("img", name=f"Preview of {photo.name}")).to_be_visible()


def order_by_plain_forms(page: Page, customer: Customer, photo: Path) -> None:
    """Order and save a photo by nothing but forms and links."""
    page.set_input_files("[data-choose]", photo)
    page.locator("[data-send]").click()
    page.get_by_label("E-mail address").fill(customer.email)
    page.get_by_role("button", name=re.compile("^Pay €")).click()
    page.get_by_role("button", name=re.compile("^Pay .* EUR$")).click()
    expect(page).to_have_url(re.compile("/restoration/status/"))
    page.goto(link(customer))
    with page.expect_download():
        page.get_by_role("button", name=f"Save this photo: {photo.name}").click()


def link(customer: Customer) -> str:
    """The address in the mail with the result."""
    return eventually(
        lambda: next(filter(None, map(customer.link_in, customer.mails())), None), "the mail with the link"
    )


def choose_by_key(page: Page, photo: Path) -> None:
    """Press Enter until the browser asks; a busy one ignores a key."""
    for tries_left in (2, 1, 0):
        try:
            with page.expect_file_chooser(timeout=PATIENCE_MS / 3) as chooser:
                page.keyboard.press("Enter")
        except Error:
            if not tries_left:
                raise
        else:
            chooser.value.set_files([photo])
            return


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the element has the focus, which must be visible."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            assert target.evaluate(FOCUS_IS_SEEN)
            return
    raise AssertionError(f"Tab does not reach {target}.")


def fits(page: Page) -> None:
    """Assert that nothing is wider than the screen."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
