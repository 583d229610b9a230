"""What a page does where the usual way fails or is absent."""

import re
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Response, expect

from tests.browser.visitor import PHONE, NewVisitor
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually


def test_an_order_is_followed_by_polls_where_no_stream_comes_through(
    new_visitor: NewVisitor, running_shop: RunningShop, photo: Path
) -> None:
    polls: Counter[int] = Counter()

    def count(response: Response) -> None:
        polls[response.status] += re.search(r"/api/orders/[^/]+$", response.url) is not None

    visitor = new_visitor()
    with running_shop.worker_asleep():
        _, order_id = running_shop.buy(photo)
        visitor.context.route("**/events", lambda route: route.abort())
        page = visitor.context.new_page()
        page.on("response", count)
        page.goto(f"/api/restoration/status/{order_id}")
        eventually(lambda: page.evaluate("true") and polls[304], "a poll that found nothing new")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your photos are ready")
    assert polls[200] >= 1
    visitor.complaints.clear()  # the browser logs each stream that fails


def test_a_photo_that_the_shop_failed_to_take_is_tried_again(new_visitor: NewVisitor, photo: Path) -> None:
    visitor = new_visitor()
    page = visitor.open("/")
    page.route("**/tus", lambda route: route.fulfill(status=400, body="{}"), times=1)
    page.set_input_files("[data-choose]", photo)
    expect(page.locator("[data-state]")).to_have_text("That did not work. Please try again.")
    page.get_by_role("button", name=f"Try again: {photo.name}").click()
    expect(page.locator("#photos li")).to_have_count(1)
    expect(page.get_by_role("button", name="Pay €4.90")).to_be_enabled()
    visitor.complaints.clear()  # the browser logs the answer


def test_a_tiff_scan_gets_its_preview_from_the_shop(new_visitor: NewVisitor, tmp_path: Path) -> None:
    scan = tmp_path / "scan.tif"
    with Image.effect_noise((600, 900), 60).convert("RGB") as image:
        image.save(scan)
    page = new_visitor().open("/")
    page.set_input_files("[data-choose]", scan)
    preview = page.get_by_role("img", name=f"Preview of {scan.name}")
    shown = "picture => picture.naturalWidth && picture.naturalWidth / picture.naturalHeight"
    assert eventually(lambda: preview.evaluate(shown), "the preview") == pytest.approx(2 / 3, rel=0.02)


def test_a_phone_offers_its_camera_and_a_desk_does_not(new_visitor: NewVisitor) -> None:
    for options, is_offered in ((PHONE, True), ({}, False)):
        page = new_visitor(**options).open("/")
        page.locator("html.ready").wait_for(state="attached")
        camera = page.locator("input[capture]")
        assert camera.count() == 1
        assert page.get_by_text("Take a photo").is_visible() is is_offered


def test_a_photo_taken_by_a_phone_joins_the_order(new_visitor: NewVisitor, photo: Path) -> None:
    page = new_visitor(**PHONE).open("/")
    page.locator("html.ready").wait_for(state="attached")
    page.set_input_files("input[capture]", photo)
    expect(page.locator("#photos li")).to_have_count(1)
