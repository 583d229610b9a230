"""The home page: its example, on each kind of screen."""

from playwright.sync_api import expect

from tests.browser.visitor import NewVisitor


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
