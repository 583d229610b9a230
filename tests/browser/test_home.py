"""The home page: what a visitor sees, and how soon."""

from playwright.sync_api import expect

from tests.browser.line import Line
from tests.browser.visitor import NewVisitor, is_accessible

#: What Lighthouse calls a slow 4G line, in bytes a second and milliseconds.
SLOW_4G = {"downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8, "latency": 150}


def test_the_home_page_is_accessible(new_visitor: NewVisitor) -> None:
    is_accessible(new_visitor().open("/"))


def test_the_arrow_keys_move_the_slider_between_before_and_after(new_visitor: NewVisitor) -> None:
    page = new_visitor().open("/")
    slider = page.get_by_role("slider").first
    slider.focus()
    before = page.locator("[data-compare] figure").first
    shown = before.evaluate("element => getComputedStyle(element).clipPath")
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_value("51")
    assert before.evaluate("element => getComputedStyle(element).clipPath") != shown
    page.keyboard.press("Home")
    expect(slider).to_have_value("0")


def test_nothing_on_the_home_page_is_wider_than_a_phone(new_visitor: NewVisitor) -> None:
    page = new_visitor(viewport={"width": 320, "height": 640}).open("/")
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_without_scripts_both_pictures_are_side_by_side(new_visitor: NewVisitor) -> None:
    page = new_visitor(java_script_enabled=False).open("/")
    before, after = (page.locator("[data-compare] img").nth(number).bounding_box() for number in (0, 1))
    assert before is not None
    assert after is not None
    assert before["x"] + before["width"] <= after["x"]


def test_the_first_view_comes_within_a_second_on_slow_4g_and_stays_where_it_is(
    new_visitor: NewVisitor,
) -> None:
    page = new_visitor(viewport={"width": 390, "height": 844}).watched_page()
    Line(page).change(**SLOW_4G)
    page.goto("/", wait_until="networkidle")
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert painted < 1_000
    assert page.evaluate("window.shift") == 0
