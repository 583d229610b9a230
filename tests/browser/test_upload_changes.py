"""The upload page shows what the shop has and what is paid."""

import re
from collections.abc import Callable
from pathlib import Path
from shutil import copyfile

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.visitor import NewVisitor
from tests.waiting import eventually

PAY = re.compile("^Pay €")


@pytest.fixture
def second(photo: Path, tmp_path: Path) -> Path:
    """Another photo."""
    path = tmp_path / "second.jpg"
    path.write_bytes(photo.read_bytes() + b"\0")
    return path


@pytest.fixture
def home_title(new_visitor: NewVisitor) -> str:
    return new_visitor().open("/").locator("h1").inner_text()


def upload(page: Page, *photos: Path) -> None:
    page.set_input_files("[data-choose]", list(photos))
    expect(page.locator("#photos li")).to_have_count(len(photos))
    expect(page.locator("[data-uploading] li")).to_have_count(0)
    expect(page.get_by_role("button", name=PAY)).to_be_enabled()


def hold_refreshes(page: Page) -> Callable[[], None]:
    """Hold the requests of a refresh; return what ends that."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.resource_type == "fetch" and not is_over:
            held.append(route)
        else:
            route.continue_()

    def end() -> None:
        is_over.append(True)
        for route in held:
            route.continue_()

    is_over: list[bool] = []
    page.route(re.compile(r"/uploads/[0-9a-f-]+$"), hold)
    return end


def test_back_after_a_reload_shows_the_page_of_its_address(
    new_visitor: NewVisitor, photo: Path, home_title: str
) -> None:
    page = new_visitor().open("/")
    upload(page, photo)
    address = page.url
    page.reload()
    page.go_back()
    expect(page.locator("h1")).to_have_text(home_title)
    expect(page.locator("#photos li")).to_have_count(0)
    page.go_forward()
    expect(page).to_have_url(address)
    expect(page.locator("#photos li")).to_have_count(1)


def test_back_from_the_payment_follows_it_and_then_leads_home(
    new_visitor: NewVisitor, photo: Path, home_title: str
) -> None:
    page = new_visitor().open("/")
    upload(page, photo)
    page.get_by_role("button", name=PAY).click()
    page.wait_for_url(lambda url: "/uploads/" not in url)
    page.go_back()
    expect(page.get_by_role("button", name="Change the photos")).to_be_visible()
    page.go_back()
    expect(page.locator("h1")).to_have_text(home_title)
    page.go_forward()
    expect(page.get_by_role("button", name="Change the photos")).to_be_visible()


def test_the_payment_waits_until_the_page_shows_its_price(
    new_visitor: NewVisitor, photo: Path, second: Path
) -> None:
    page = new_visitor().open("/")
    upload(page, photo)
    end = hold_refreshes(page)
    page.set_input_files("[data-choose]", second)
    expect(page.locator("[data-uploading] [data-state]")).to_have_text("uploaded")
    expect(page.get_by_role("button", name="Pay €4.90")).to_be_disabled()
    end()
    expect(page.get_by_role("button", name="Pay €9.80")).to_be_enabled()


def test_a_photo_removed_before_the_page_shows_it_is_not_ordered(
    new_visitor: NewVisitor, photo: Path, second: Path
) -> None:
    visitor = new_visitor()
    page = visitor.open("/")
    upload(page, photo)
    end = hold_refreshes(page)
    page.set_input_files("[data-choose]", second)
    expect(page.locator("[data-uploading] [data-state]")).to_have_text("uploaded")
    page.get_by_role("button", name="Remove second.jpg").click()
    end()
    expect(page.get_by_role("button", name="Pay €4.90")).to_be_enabled()
    page.reload()
    expect(page.locator("#photos li")).to_have_count(1)
    expect(page.get_by_role("button", name="Pay €4.90")).to_be_enabled()
    visitor.complaints.clear()  # the page may ask for the preview of what was just removed


def test_a_photo_is_removed_from_the_shop_when_the_line_is_back(
    new_visitor: NewVisitor, photo: Path, second: Path
) -> None:
    visitor = new_visitor()
    page = visitor.open("/")
    upload(page, photo)
    end = hold_refreshes(page)
    page.set_input_files("[data-choose]", second)
    expect(page.locator("[data-uploading] [data-state]")).to_have_text("uploaded")
    page.route("**/tus/*", lambda route: route.abort("internetdisconnected"), times=1)
    page.get_by_role("button", name="Remove second.jpg").click()
    end()
    expect(page.get_by_role("button", name=PAY)).to_be_disabled()
    expect(page.get_by_role("button", name="Pay €4.90")).to_be_enabled()
    page.reload()
    expect(page.locator("#photos li")).to_have_count(1)
    visitor.complaints.clear()  # as above


def test_a_photo_chosen_while_the_payment_page_is_open_elsewhere_is_kept(
    new_visitor: NewVisitor, photo: Path, second: Path
) -> None:
    visitor = new_visitor()
    page = visitor.open("/")
    upload(page, photo)
    other = visitor.open(page.url)
    other.get_by_role("button", name=PAY).click()
    other.wait_for_url(lambda url: "/uploads/" not in url)
    page.set_input_files("[data-choose]", second)
    expect(page.get_by_text("Not in this payment yet: second.jpg.")).to_be_visible()
    page.get_by_role("button", name="Change the photos").click()
    expect(page.locator("#photos li")).to_have_count(2)
    expect(page.get_by_role("button", name="Pay €9.80")).to_be_enabled()
    visitor.complaints.clear()  # the browser logs the refusal


def test_a_photo_is_removed_by_keyboard(
    new_visitor: NewVisitor, photo: Path, second: Path, tmp_path: Path
) -> None:
    first = tmp_path / "first.jpg"
    copyfile(photo, first)
    page = new_visitor().open("/")
    upload(page, first, second)
    status = page.locator("[data-announce]")
    page.get_by_role("button", name="Remove first.jpg").press("Enter")
    eventually(lambda: status.inner_text() == "first.jpg is removed", "the announcement")
    expect(page.get_by_role("button", name="Remove second.jpg")).to_be_focused()
    page.get_by_role("button", name="Remove second.jpg").press("Enter")
    expect(page.locator("#photos li")).to_have_count(0)
    expect(page.locator("[data-choose]")).to_be_focused()
