"""The gallery: compare, save, and pass on."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from sandbox.demo.http_customer import Customer
from tests.browser.order_states import OrderStates
from tests.browser.test_orders import tab_to
from tests.browser.visitor import PHONE, NewVisitor, is_accessible
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

#: Replaces the share sheet of a phone, which a headless browser lacks, and keeps what is shared.
SHARE_SHEET = """
    window.shared = [];
    Object.defineProperty(navigator, "canShare", { value: () => true });
    Object.defineProperty(navigator, "share", { value: async ({ files }) => {
        window.shared.push(...files);
        if (window.refusals-- > 0) throw new DOMException("No press allows it.", "NotAllowedError");
    } });
"""
#: The same of a device that shares no files.
PASS_ON = """
    Object.defineProperty(navigator, "share", { value: async ({ url }) => { window.passedOn = url; } });
"""


@pytest.fixture
def states(running_shop: RunningShop, photo: Path) -> OrderStates:
    return OrderStates(shop=running_shop, photo=photo)


@pytest.fixture
def gallery(states: OrderStates) -> Iterator[str]:
    with states.gallery() as address:
        yield address


def test_arrow_keys_move_from_before_to_after(new_visitor: NewVisitor, gallery: str) -> None:
    page = new_visitor().open(gallery)
    slider = page.get_by_role("slider").first
    before = page.locator("[data-compare] figure").first
    slider.focus()
    page.keyboard.press("End")
    assert "inset(0px 0% 0px 0px)" in clip(page)
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_value("99")
    expect(slider).to_have_attribute("aria-valuetext", "99 %")
    expect(before).to_be_visible()


def test_both_pictures_are_loaded_in_the_size_of_the_screen(new_visitor: NewVisitor, gallery: str) -> None:
    page = new_visitor().open(gallery)
    pictures = page.locator("[data-compare]").first.locator("img")
    for number in range(2):
        eventually(
            lambda: pictures.nth(number).evaluate("each => each.complete && each.naturalWidth"),  # noqa: B023 -- called at once
            "the picture",
        )
        assert "size=" in pictures.nth(number).evaluate("each => each.currentSrc")


def test_full_screen_shows_the_pair_with_its_slider(new_visitor: NewVisitor, gallery: str) -> None:
    page = new_visitor().open(gallery)
    page.get_by_role("button", name="Full screen").first.click()
    eventually(lambda: page.evaluate("document.fullscreenElement?.id"), "the full screen")
    slider = page.get_by_role("slider").first
    slider.focus()
    page.keyboard.press("Home")
    expect(slider).to_have_value("0")


def test_a_finger_ends_the_full_screen(new_visitor: NewVisitor, gallery: str) -> None:
    page = new_visitor(**PHONE).open(gallery)
    end = page.get_by_role("button", name="Close full screen")
    expect(end).to_have_count(0)
    page.get_by_role("button", name="Full screen").first.tap()
    is_accessible(page)
    end.tap()
    eventually(lambda: page.evaluate("document.fullscreenElement === null"), "the end of the full screen")
    expect(end).to_have_count(0)
    expect(page.get_by_role("button", name="Full screen").first).to_be_focused()


def test_a_gallery_by_keyboard_alone(new_visitor: NewVisitor, gallery: str) -> None:
    page = new_visitor().open(gallery)
    expect(page.get_by_role("slider").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("slider").first)
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("slider").first).to_have_value("49")
    save = page.get_by_role("button", name=re.compile("^Save this photo: 1-harvest"))
    tab_to(page, save)
    with page.expect_download():
        page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Full screen: 1-harvest-1926.jpg"))
    page.keyboard.press("Enter")
    eventually(lambda: page.evaluate("document.fullscreenElement?.id"), "the full screen")
    page.get_by_role("button", name="Close full screen").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Full screen: 1-harvest-1926.jpg")).to_be_focused()
    tab_to(page, page.get_by_role("button", name="Make a link to pass on"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Link to pass on")).to_be_visible()


def test_a_photo_is_saved_with_its_name(new_visitor: NewVisitor, gallery: str, tmp_path: Path) -> None:
    page = new_visitor().open(gallery)
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("^Save this photo: 1-harvest")).click()
    assert download.value.suggested_filename.startswith("1-harvest-1926")
    download.value.save_as(tmp_path / "saved")
    Image.open(tmp_path / "saved").verify()


def test_a_phone_shares_pictures_with_its_photo_library_and_no_archive(
    new_visitor: NewVisitor, running_shop: RunningShop, photo: Path
) -> None:
    customer, order_id = running_shop.buy(photo, photo)
    visitor = new_visitor(**PHONE)
    visitor.context.add_init_script(SHARE_SHEET)
    page = visitor.open(mailed_link(customer))
    page.get_by_role("button", name=re.compile("^Save this photo: 1-harvest")).tap()
    assert shared(page, 1) == [["1-harvest-1926.png", "image/png"]]
    running_shop.waits_for("ResultServed", order_id)
    library = page.get_by_role("button", name="Save all to the photo library")
    archive = page.locator("[data-save-all] button")
    assert library.bounding_box()["y"] < archive.bounding_box()["y"]  # type: ignore[index]
    expect(archive).to_have_class(re.compile("second"))
    expect(library).not_to_have_class(re.compile("second"))
    library.tap()
    assert [name for name, _ in shared(page, 3)[1:]] == ["1-harvest-1926.png", "2-harvest-1926.png"]


def test_a_phone_shares_more_photos_than_it_can_hold_in_parts(new_visitor: NewVisitor, gallery: str) -> None:
    visitor = new_visitor(**PHONE)
    visitor.context.add_init_script(SHARE_SHEET)
    visitor.context.route(re.compile("/photos$"), has_photos_repeated(21))
    page = visitor.open(gallery)
    page.get_by_role("button", name="Save photos 1 to 20 of 21 to the photo library").tap()
    shared(page, 20)
    page.get_by_role("button", name="Save photos 21 to 21 of 21 to the photo library").tap()
    shared(page, 21)
    expect(page.get_by_role("button", name="Save photos 1 to 20 of 21 to the photo library")).to_be_visible()


def test_a_phone_saves_a_single_photo_first_of_all_to_its_library(
    new_visitor: NewVisitor, running_shop: RunningShop, photo: Path
) -> None:
    customer, _ = running_shop.buy(photo)
    visitor = new_visitor(**PHONE)
    visitor.context.add_init_script(SHARE_SHEET)
    page = visitor.open(mailed_link(customer))
    page.get_by_role("button", name="Save to the photo library").tap()
    assert shared(page, 1) == [["1-harvest-1926.png", "image/png"]]
    page.evaluate("shared.length = 0; window.refusals = 0")
    page.route(re.compile("/api/download/"), lambda route: route.abort("internetdisconnected"))
    page.get_by_role("button", name="Save to the photo library").tap()
    expect(page.get_by_text("The connection is lost.")).to_be_in_viewport()


def test_photos_that_were_fetched_are_not_fetched_again_after_a_failure(
    new_visitor: NewVisitor, running_shop: RunningShop, photo: Path
) -> None:
    customer, _ = running_shop.buy(photo, photo, photo)
    visitor = new_visitor(**PHONE)
    visitor.context.add_init_script(SHARE_SHEET)
    page = visitor.open(mailed_link(customer))
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if request.method == "POST" else None)
    last = page.locator("form[data-save]").last.evaluate("form => form.action")
    page.route(last, lambda route: route.fulfill(status=503), times=1)
    library = page.get_by_role("button", name="Save all to the photo library")
    library.tap()
    expect(page.get_by_text("2 of 3 photos are fetched and kept.")).to_be_in_viewport()
    assert len(fetched) == 3
    library.tap()
    assert len(shared(page, 3)) == 3
    assert fetched[3:] == [last]
    expect(page.locator("[data-saving]")).to_be_empty()
    visitor.complaints.clear()  # the browser logs the broken answer itself


def test_progress_of_fetching_stays_until_it_is_over(
    new_visitor: NewVisitor, running_shop: RunningShop, photo: Path
) -> None:
    customer, _ = running_shop.buy(photo, photo)
    visitor = new_visitor(**PHONE)
    visitor.context.add_init_script(SHARE_SHEET)
    page = visitor.open(mailed_link(customer))
    held: list[Route] = []
    address = page.locator("form[data-save]").last.evaluate("form => form.action")
    page.route(address, lambda route: held.append(route))  # noqa: PLW0108 -- Playwright marks what it is given
    page.clock.install()
    page.get_by_role("button", name="Save all to the photo library").tap()
    progress = page.get_by_role("status").filter(has_text="1 of 2 photos are fetched")
    expect(progress).to_be_in_viewport()
    page.clock.run_for(60_000)
    expect(progress).to_be_in_viewport()
    is_accessible(page)
    held[0].continue_()
    shared(page, 2)
    expect(progress).to_have_count(0)


@pytest.mark.parametrize(
    "button",
    ["Save this photo: 1-harvest", "Save all to the photo library", "Save all photos", "Make a link"],
)
def test_without_a_line_a_button_says_so_and_the_gallery_stays(
    new_visitor: NewVisitor, gallery: str, button: str
) -> None:
    visitor = new_visitor(**PHONE)
    visitor.context.add_init_script(SHARE_SHEET)
    page = visitor.open(gallery)
    visitor.context.set_offline(True)
    page.get_by_role("button", name=re.compile(f"^{re.escape(button)}")).tap()
    expect(page.get_by_text("The connection is lost.")).to_be_in_viewport()
    assert page.url.endswith("/photos")
    visitor.context.set_offline(False)
    expect(page.get_by_text("The connection is lost.")).to_have_count(0)


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_gallery_whose_pictures_do_not_come_fits_a_phone(
    new_visitor: NewVisitor, gallery: str, *, has_scripts: bool
) -> None:
    visitor = new_visitor(**PHONE, java_script_enabled=has_scripts)
    visitor.context.route(
        "**/*",
        lambda route: route.abort() if route.request.resource_type == "image" else route.continue_(),
    )
    page = visitor.open(gallery)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]
    visitor.complaints.clear()  # the browser logs each picture that does not come


def test_a_photo_is_saved_where_the_share_sheet_fails(new_visitor: NewVisitor, gallery: str) -> None:
    visitor = new_visitor(**PHONE)
    visitor.context.add_init_script(SHARE_SHEET.replace("NotAllowedError", "DataError"))
    visitor.context.add_init_script("window.refusals = 1")
    page = visitor.open(gallery)
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("^Save this photo: 1-harvest")).tap()
    assert download.value.suggested_filename == "1-harvest-1926.png"


@pytest.mark.parametrize("has_scripts", [True, False])
def test_one_tap_alone_asks_for_no_redo(new_visitor: NewVisitor, gallery: str, *, has_scripts: bool) -> None:
    page = new_visitor(**PHONE, java_script_enabled=has_scripts).open(gallery)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    page.get_by_text("Not quite right?", exact=True).first.tap()
    yes = page.get_by_role("button", name=re.compile("^Yes, try once more: 1-harvest"))
    expect(yes).to_be_visible()
    assert asked == []
    if has_scripts:
        is_accessible(page)


def test_paper_shows_both_pictures_whole(new_visitor: NewVisitor, gallery: str) -> None:
    page = new_visitor().open(gallery)
    expect(page.get_by_role("slider").first).to_be_visible()
    page.emulate_media(media="print")
    expect(page.get_by_role("slider")).to_have_count(0)
    before, after = page.locator("[data-compare]").first.locator("figure").all()
    assert clip(page) == "none"
    assert before.bounding_box()["x"] < after.bounding_box()["x"]  # type: ignore[index]


def test_a_phone_that_asks_for_a_second_press_says_so_and_then_forgets_it(
    new_visitor: NewVisitor, gallery: str
) -> None:
    visitor = new_visitor(**PHONE)
    visitor.context.add_init_script(SHARE_SHEET)
    page = visitor.open(gallery)
    page.evaluate("window.refusals = 1")
    button = page.locator("form[data-save] button").first
    button.tap()
    expect(button).to_have_text("Press again to save")
    expect(button).to_have_attribute(
        "aria-label", re.compile("^Press again to save: Save this photo: 1-harvest")
    )
    button.tap()
    expect(button).to_have_text("Save this photo")


def test_a_link_to_pass_on_shows_and_saves_and_can_be_taken_back(
    new_visitor: NewVisitor, gallery: str
) -> None:
    visitor = new_visitor()
    visitor.context.add_init_script(PASS_ON)
    owner = visitor.open(gallery)
    owner.get_by_role("button", name="Make a link to pass on").click()
    address = owner.locator("#shared-url").input_value()
    is_accessible(owner)
    owner.get_by_role("button", name="Pass it on").click()
    assert owner.evaluate("passedOn") == address
    aunt = new_visitor()
    page = aunt.open(address)
    is_accessible(page)
    expect(page.get_by_text("Not quite right?", exact=True)).to_have_count(0)
    with page.expect_download():
        page.get_by_role("button", name=re.compile("^Save this photo: 1-harvest")).click()
    owner.locator("#share").get_by_role("button").last.click()
    expect(owner.locator("#shared-url")).to_have_count(0)
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("This link was withdrawn")


def test_an_order_shows_its_progress_without_loading_the_page_again(
    new_visitor: NewVisitor, running_shop: RunningShop, photo: Path
) -> None:
    with running_shop.worker_asleep():
        _, order_id = running_shop.buy(photo)
        page = new_visitor().open(f"/api/restoration/status/{order_id}")
        page.evaluate("window.isTheSamePage = true")
    expect(page.get_by_role("heading", level=1)).to_contain_text("ready")
    expect(page.get_by_role("status")).not_to_be_empty()
    assert page.evaluate("window.isTheSamePage")


def test_an_order_page_loads_itself_again_when_its_script_does_not_arrive(
    new_visitor: NewVisitor, running_shop: RunningShop, photo: Path
) -> None:
    visitor = new_visitor()
    visitor.context.route(re.compile("/built/order-"), lambda route: route.abort())
    with running_shop.worker_asleep():
        _, order_id = running_shop.buy(photo)
        page = visitor.open(f"/api/restoration/status/{order_id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("ready")
    visitor.complaints.clear()  # the browser logs the missing file itself


def has_photos_repeated(count: int) -> Callable[[Route], None]:
    """Answer with the gallery, its last photo repeated until there are ``count``."""

    def repeat(route: Route) -> None:
        answer = route.fetch()
        page = answer.text()
        photos = re.findall(r"<article.*?</article>", page, re.DOTALL)
        repeated = photos[-1] * (count - len(photos) + 1)
        route.fulfill(response=answer, body=page.replace(photos[-1], repeated))

    return repeat


def mailed_link(customer: Customer) -> str:
    """The address in the mail with the result."""
    return eventually(lambda: next(filter(None, map(customer.link_in, customer.mails())), None), "the link")


def clip(page: Page) -> str:
    """How much of the first picture is shown."""
    before = page.locator("[data-compare] figure").first
    return str(before.evaluate("element => getComputedStyle(element).clipPath"))


def shared(page: Page, count: int) -> list[list[str]]:
    """Name and type of the shared files, once there are ``count``."""
    return eventually(
        lambda: page.evaluate(
            "count => shared.length >= count && shared.map((each) => [each.name, each.type])", count
        ),
        "the shared files",
    )
