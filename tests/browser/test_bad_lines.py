"""Uploads on lines that break, tabs that close, and slow phones."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.browser.line import Line, progress
from tests.browser.visitor import NewVisitor
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

#: Lines in bytes a second and milliseconds; the slow one is what browsers' tools call slow 3G.
FAST_UPLOAD = 1_000_000
SLOW_3G = {"downloadThroughput": 50_000, "uploadThroughput": 50_000, "latency": 400}

MEGABYTE, MEBIBYTE = 1_000_000, 1024 * 1024

#: Drops or pastes a photo, as the browser does it for a person.
GIVE_FILE = """
    ([event, carrier, content]) => {
        const data = new DataTransfer();
        const bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
        data.items.add(new File([bytes], "given.jpg", { type: "image/jpeg" }));
        const options = { bubbles: true, cancelable: true, [carrier]: data };
        const given = event === "drop" ? new DragEvent(event, options) : new ClipboardEvent(event, options);
        document.querySelector("main").dispatchEvent(given);
    }
"""

#: How many chosen photos the browser keeps.
KEPT_PHOTOS = """
    new Promise((done) => {
        indexedDB.open("restoreclick").onsuccess = ({ target }) => {
            const store = target.result.transaction("chosen-photos").objectStore("chosen-photos");
            store.count().onsuccess = (event) => done(event.target.result);
        };
    })
"""


#: A screen that stays on while ``window.locks`` counts a lock, and loses it when the page is hidden.
WAKE_LOCK = """
    window.locks = 0;
    let held = null;
    const request = async () => {
        window.locks += 1;
        const release = async () => {
            if (held) { held = null; window.locks -= 1; lock.dispatchEvent(new Event("release")); }
        };
        const lock = Object.assign(new EventTarget(), { release });
        held = lock;
        return lock;
    };
    Object.defineProperty(navigator, "wakeLock", { value: { request } });
    window.hide = (hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        if (hidden) held?.release();
        document.dispatchEvent(new Event("visibilitychange"));
    };
"""

#: Counts the photos that are decoded at once, at most and in all.
DECODES = """
    window.decoding = 0; window.most = 0; window.decoded = 0;
    const decode = HTMLImageElement.prototype.decode;
    HTMLImageElement.prototype.decode = async function () {
        window.most = Math.max(window.most, ++window.decoding);
        try { await decode.call(this); } finally { window.decoding--; window.decoded++; }
    };
"""


@pytest.fixture(scope="session")
def large_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of some megabytes, to be interrupted more than once."""
    path = tmp_path_factory.mktemp("photos") / "large.jpg"
    Image.effect_noise((2_400, 2_400), 90).convert("RGB").save(path, quality=95)
    assert path.stat().st_size > 5 * MEGABYTE
    return path


def test_a_line_that_breaks_three_times_in_an_upload(new_visitor: NewVisitor, large_photo: Path) -> None:
    page = new_visitor().open("/")
    line = Line(page)
    line.change(uploadThroughput=FAST_UPLOAD)
    resumed = uploaded_before(page)
    page.set_input_files("[data-choose]", large_photo)
    for percent in (10, 30, 50):
        eventually(lambda: progress(page) > percent, f"{percent} % of the upload")  # noqa: B023 -- called at once
        line.change(offline=True)
        expect(page.locator("[data-state]")).to_contain_text("The connection is lost.")
        line.change(uploadThroughput=FAST_UPLOAD)
        expect(page.locator("[data-state]")).not_to_contain_text("The connection is lost.")
    line.change()
    expect(page.get_by_role("button", name=re.compile("^Pay €"))).to_be_enabled()
    # What had arrived was not sent again, apart from what was on its way when the line broke.
    assert sorted(set(resumed)) == resumed
    assert resumed[-1] > 0.3 * large_photo.stat().st_size


def test_a_closed_tab_goes_on_when_it_is_opened_again(new_visitor: NewVisitor, large_photo: Path) -> None:
    visitor = new_visitor()
    page = visitor.open("/")
    Line(page).change(uploadThroughput=FAST_UPLOAD)
    page.set_input_files("[data-choose]", large_photo)
    eventually(lambda: progress(page) > 40, "40 % of the upload")
    address = page.evaluate("location.href")
    page.close()
    again = visitor.context.new_page()
    offsets = uploaded_before(again)
    again.goto(address)
    expect(again.get_by_role("button", name=re.compile("^Pay €"))).to_be_enabled()
    expect(again.get_by_role("img", name="Preview of large.jpg")).to_be_visible()
    assert max(offsets) > 0


def test_twenty_photos_on_slow_3g(new_visitor: NewVisitor, photo: Path, tmp_path: Path) -> None:
    page = new_visitor().open("/")
    Line(page).change(**SLOW_3G)
    page.set_input_files("[data-choose]", list(copies(photo, tmp_path, 20)))
    expect(page.locator("#photos li")).to_have_count(20, timeout=120_000)
    expect(page.locator("[data-uploading] li")).to_have_count(0)
    expect(page.get_by_role("button", name=re.compile("^Pay €78"))).to_be_enabled()


def test_what_cannot_be_read_is_refused_beside_its_name_and_can_be_removed(
    new_visitor: NewVisitor, photo: Path, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear great-aunt, I could not find the photo.")
    visitor = new_visitor()
    page = visitor.open("/")
    page.set_input_files("[data-choose]", [letter, photo])
    refused = page.locator("[data-refused]")
    expect(refused).to_contain_text("letter.jpg")
    expect(refused).to_contain_text("not a picture we can read")
    expect(page.get_by_role("status")).to_contain_text(re.compile("letter.jpg|harvest"))
    expect(page.get_by_role("button", name=re.compile("^Pay €4.90"))).to_be_enabled()
    page.get_by_role("button", name="Remove letter.jpg").click()
    expect(refused).to_have_count(0)
    visitor.complaints.clear()  # the browser logs the refusal itself


def test_a_photo_that_is_chosen_twice_is_kept_once(new_visitor: NewVisitor, photo: Path) -> None:
    page = new_visitor().open("/")
    page.set_input_files("[data-choose]", photo)
    expect(page.locator("#photos li")).to_have_count(1)
    page.set_input_files("[data-choose]", photo)
    expect(page.get_by_role("alert")).to_have_text(f"{photo.name} is already here")
    expect(page.locator("#photos li")).to_have_count(1)


def test_what_the_browser_could_not_keep_is_asked_for_and_goes_on(
    new_visitor: NewVisitor, large_photo: Path
) -> None:
    visitor = new_visitor()
    page = visitor.open("/")
    Line(page).change(uploadThroughput=FAST_UPLOAD)
    page.set_input_files("[data-choose]", large_photo)
    eventually(lambda: progress(page) > 40, "40 % of the upload")
    address = page.evaluate("location.href")
    page.goto("/imprint")
    page.evaluate("new Promise((done) => { indexedDB.deleteDatabase('restoreclick').onsuccess = done; })")
    offsets = uploaded_before(page)
    page.goto(address)
    expect(page.get_by_role("alert")).to_contain_text("large.jpg is half uploaded: choose it again")
    page.set_input_files("[data-choose]", large_photo)
    expect(page.get_by_role("button", name=re.compile("^Pay €"))).to_be_enabled()
    assert max(offsets) > 0


def test_a_customer_who_comes_back_to_the_home_page_finds_the_photos_again(
    new_visitor: NewVisitor, photo: Path
) -> None:
    visitor = new_visitor()
    page = visitor.open("/")
    page.set_input_files("[data-choose]", photo)
    expect(page.locator("#photos li")).to_have_count(1)
    page.close()
    again = visitor.open("/")
    again.get_by_role("link", name="Go on with your photos (1)").click()
    expect(again.get_by_role("img", name=f"Preview of {photo.name}")).to_be_visible()
    again.get_by_role("button", name=re.compile("^Pay €")).click()
    again.get_by_label("E-mail").fill("ada@customer.example")
    again.get_by_role("button", name=re.compile("^Pay .* EUR$")).click()
    expect(again).to_have_url(re.compile("/restoration/status/"))
    with again.expect_response(lambda response: "/api/uploads/" in response.url):
        again.goto("/")
    eventually(lambda: again.evaluate("localStorage.getItem('restoreclick.session') === null"), "its end")
    expect(again.get_by_text("not ordered yet")).to_be_hidden()


def test_the_next_person_at_a_shared_computer_can_remove_the_photos_before(
    new_visitor: NewVisitor, photo: Path, large_photo: Path
) -> None:
    visitor = new_visitor()
    page = visitor.open("/")
    page.set_input_files("[data-choose]", photo)
    expect(page.locator("#photos li")).to_have_count(1)
    session = page.evaluate("localStorage.getItem('restoreclick.session')")
    Line(page).change(uploadThroughput=FAST_UPLOAD)
    page.set_input_files("[data-choose]", large_photo)
    eventually(lambda: progress(page) > 0, "the second upload")
    page.close()
    again = visitor.open("/")
    again.get_by_role("button", name="Remove them from this device").click()
    expect(again.get_by_text("The photos are removed.")).to_be_focused()
    assert again.evaluate("Object.keys(localStorage)") == []
    assert again.evaluate(KEPT_PHOTOS) == 0
    assert again.request.get(f"/api/uploads/{session}").json()["photos"] == []
    again.reload()
    expect(again.get_by_text("not ordered yet")).to_be_hidden()


def test_a_photo_can_be_added_after_a_mistyped_address(
    new_visitor: NewVisitor, photo: Path, tmp_path: Path
) -> None:
    visitor = new_visitor()
    page = visitor.open("/")
    first, second = copies(photo, tmp_path, 2)
    page.set_input_files("[data-choose]", first)
    page.get_by_label("E-mail address").fill("oma@gmx")
    page.get_by_role("button", name=re.compile("^Pay €")).click()
    expect(page.get_by_role("alert").first).to_contain_text("not an e-mail address")
    page.set_input_files("[data-choose]", second)
    expect(page.locator("#photos li")).to_have_count(2)
    page.get_by_role("button", name=f"Remove {first.name}").click()
    expect(page.locator("#photos li")).to_have_count(1)


@pytest.mark.parametrize(
    ("status", "problem", "sentence"),
    [
        (503, "unavailable", "The shop is busy just now."),
        (
            429,
            "too-many-requests",
            "Very many photos came from your connection. The upload goes on by itself at",
        ),
        (
            503,
            "storage-nearly-full",
            "We have very many photos at the moment. The upload goes on by itself at",
        ),
    ],
)
def test_an_upload_that_has_to_wait_says_why_and_goes_on(
    new_visitor: NewVisitor, photo: Path, status: int, problem: str, sentence: str
) -> None:
    visitor = new_visitor()
    page = visitor.open("/")
    answer = {
        "status": status,
        "headers": {"Retry-After": "2"},
        "content_type": "application/problem+json",
        "body": json.dumps({"type": f"/problems/{problem}"}),
    }
    page.route("**/tus", lambda route: route.fulfill(**answer), times=1)
    page.set_input_files("[data-choose]", photo)
    expect(page.locator("[data-state]")).to_contain_text(sentence)
    expect(page.locator("#photos li")).to_have_count(1)
    visitor.complaints.clear()  # the browser logs the answer itself


def test_an_upload_whose_answers_are_lost_is_begun_once(
    new_visitor: NewVisitor, running_shop: RunningShop, photo: Path
) -> None:
    def lose_the_answer(route: Route) -> None:
        assert route.fetch().status == 201
        route.abort("internetdisconnected")

    def begun() -> tuple[int, int]:
        return len(running_shop.upload_sessions()), len(running_shop.rows_as_text("resumable_uploads"))

    sessions, uploads = begun()
    page = new_visitor().open("/")
    page.route("**/api/uploads", lose_the_answer, times=1)
    page.route("**/tus", lose_the_answer, times=1)
    page.set_input_files("[data-choose]", photo)
    expect(page.get_by_role("button", name=re.compile("^Pay €"))).to_be_enabled()
    expect(page.locator("#photos li")).to_have_count(1)
    assert begun() == (sessions + 1, uploads + 1)


def test_an_upload_goes_on_after_the_phone_was_locked(new_visitor: NewVisitor, large_photo: Path) -> None:
    page = new_visitor().open("/")
    Line(page).change(uploadThroughput=FAST_UPLOAD)
    page.set_input_files("[data-choose]", large_photo)
    eventually(lambda: progress(page) > 20, "20 % of the upload")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    Line(page).change(offline=True)  # a locked phone closes its connections
    Line(page).change(uploadThroughput=FAST_UPLOAD)
    devtools.send("Page.setWebLifecycleState", {"state": "active"})
    expect(page.get_by_role("button", name=re.compile("^Pay €"))).to_be_enabled()
    expect(page.get_by_role("img", name="Preview of large.jpg")).to_be_visible()


def test_the_screen_stays_on_while_photos_are_uploaded(new_visitor: NewVisitor, large_photo: Path) -> None:
    visitor = new_visitor()
    visitor.context.add_init_script(WAKE_LOCK)
    page = visitor.open("/")
    line = Line(page)
    line.change(uploadThroughput=FAST_UPLOAD)
    page.set_input_files("[data-choose]", large_photo)
    eventually(lambda: page.evaluate("locks") == 1, "the lock")
    page.evaluate("hide(true)")
    assert page.evaluate("locks") == 0
    page.evaluate("hide(false)")
    eventually(lambda: page.evaluate("locks") == 1, "the lock after another page was looked at")
    line.change()
    expect(page.get_by_role("button", name=re.compile("^Pay €"))).to_be_enabled()
    eventually(lambda: page.evaluate("locks") == 0, "its end")


def test_many_photos_are_decoded_two_at_a_time(new_visitor: NewVisitor, photo: Path, tmp_path: Path) -> None:
    visitor = new_visitor()
    visitor.context.add_init_script(DECODES)
    page = visitor.open("/")
    page.route("**/tus", lambda route: route.abort("internetdisconnected"))
    page.set_input_files("[data-choose]", list(copies(photo, tmp_path, 12)))
    eventually(lambda: page.evaluate("decoded") == 12, "the previews")
    assert page.evaluate("most") == 2
    shown = "pictures => pictures.every((picture) => picture.naturalWidth > 0)"
    assert page.locator("[data-uploading] img").evaluate_all(shown)


def test_pieces_grow_on_a_fast_line(new_visitor: NewVisitor, large_photo: Path) -> None:
    page = new_visitor().open("/")
    starts = offsets_sent(page)
    page.set_input_files("[data-choose]", large_photo)
    expect(page.get_by_role("img", name="Preview of large.jpg")).to_be_visible()
    assert starts[:2] == [0, MEBIBYTE]
    assert starts[2:] in ([], [5 * MEBIBYTE])


def test_photos_chosen_while_the_first_ones_are_on_their_way_belong_to_one_order(
    new_visitor: NewVisitor, photo: Path, tmp_path: Path
) -> None:
    page = new_visitor().open("/")
    held: list[Route] = []
    page.route("**/api/uploads", lambda route: held.append(route))  # noqa: PLW0108 -- Playwright marks what it is given
    first, second = copies(photo, tmp_path, 2)
    page.set_input_files("[data-choose]", first)
    expect(page.get_by_text("One moment, please: your photos are next.")).to_be_visible()
    page.set_input_files("[data-choose]", second)
    eventually(lambda: len(held) == 1, "the request")
    held[0].continue_()
    expect(page.locator("#photos li")).to_have_count(2)
    assert len(held) == 1


def test_a_link_within_the_page_keeps_what_was_typed(new_visitor: NewVisitor, photo: Path) -> None:
    page = new_visitor().open("/")
    page.set_input_files("[data-choose]", photo)
    page.get_by_label("E-mail address").fill("ada@customer.example")
    page.evaluate("location.hash = 'content'")
    page.evaluate("window.isTheSamePage = true")
    page.evaluate("history.back()")
    eventually(lambda: page.evaluate("location.hash") == "", "the way back")
    assert page.evaluate("window.isTheSamePage")
    expect(page.get_by_label("E-mail address")).to_have_value("ada@customer.example")


def test_a_photo_is_removed_when_the_line_is_back(new_visitor: NewVisitor, photo: Path) -> None:
    page = new_visitor().open("/")
    page.set_input_files("[data-choose]", photo)
    expect(page.locator("#photos li")).to_have_count(1)
    line = Line(page)
    line.change(offline=True)
    page.get_by_role("button", name=f"Remove {photo.name}").click()
    expect(page.get_by_text("The connection is lost.")).to_be_visible()
    line.change()
    expect(page.locator("#photos li")).to_have_count(0)
    expect(page.get_by_text("The connection is lost.")).not_to_be_visible()


def test_a_screen_reader_hears_that_the_line_is_lost(new_visitor: NewVisitor, large_photo: Path) -> None:
    page = new_visitor().open("/")
    line = Line(page)
    line.change(uploadThroughput=FAST_UPLOAD)
    page.set_input_files("[data-choose]", large_photo)
    eventually(lambda: progress(page) > 10, "10 % of the upload")
    line.change(offline=True)
    expect(page.locator("[data-announce]")).to_contain_text("The connection is lost.")


def test_a_file_that_was_refused_can_be_chosen_again(new_visitor: NewVisitor, tmp_path: Path) -> None:
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear great-aunt, I could not find the photo.")
    visitor = new_visitor()
    page = visitor.open("/")
    for _ in range(2):
        page.set_input_files("[data-choose]", letter)
        expect(page.locator("[data-refused]")).to_have_count(1)
        expect(page.get_by_role("alert").filter(has_text="already here")).to_have_count(0)
    visitor.complaints.clear()  # the browser logs the refusals itself


def test_a_photo_can_be_removed_while_it_is_uploaded(new_visitor: NewVisitor, large_photo: Path) -> None:
    page = new_visitor().open("/")
    Line(page).change(uploadThroughput=FAST_UPLOAD)
    page.set_input_files("[data-choose]", large_photo)
    eventually(lambda: progress(page) > 10, "10 % of the upload")
    with page.expect_response(lambda response: response.request.method == "DELETE") as ended:
        page.get_by_role("button", name="Remove large.jpg").click()
    assert ended.value.status == 204
    expect(page.locator("[data-uploading] li")).to_have_count(0)
    expect(page.get_by_label("Choose photos")).to_be_focused()


@pytest.mark.parametrize(("event", "carrier"), [("drop", "dataTransfer"), ("paste", "clipboardData")])
def test_photos_can_be_dropped_and_pasted(
    new_visitor: NewVisitor, photo: Path, event: str, carrier: str
) -> None:
    page = new_visitor().open("/")
    content = base64.b64encode(photo.read_bytes()).decode()
    page.evaluate(GIVE_FILE, [event, carrier, content])
    expect(page.get_by_role("img", name="Preview of given.jpg")).to_be_visible()


def test_what_a_customer_types_while_photos_are_uploaded_stays(
    new_visitor: NewVisitor, photo: Path, large_photo: Path
) -> None:
    page = new_visitor().open("/")
    page.set_input_files("[data-choose]", photo)
    page.get_by_label("E-mail address").fill("ada@customer.example")
    page.set_input_files("[data-choose]", large_photo)
    expect(page.locator("#photos li")).to_have_count(2)
    expect(page.get_by_label("E-mail address")).to_have_value("ada@customer.example")
    expect(page.get_by_label("E-mail address")).to_be_focused()


def offsets_sent(page: Page) -> list[int]:
    """The offset of each piece that the page sends."""
    offsets: list[int] = []
    page.on(
        "request",
        lambda request: (
            offsets.append(int(request.headers["upload-offset"])) if request.method == "PATCH" else None
        ),
    )
    return offsets


def uploaded_before(page: Page) -> list[int]:
    """The offsets from which the page resumes uploads."""
    offsets: list[int] = []
    page.on(
        "response",
        lambda response: (
            offsets.append(int(response.headers["upload-offset"]))
            if response.request.method == "HEAD"
            else None
        ),
    )
    return offsets


def copies(photo: Path, folder: Path, count: int) -> Iterator[Path]:
    """The same photo, with other bytes each time."""
    for number in range(count):
        copy = folder / f"photo-{number + 1}.jpg"
        copy.write_bytes(photo.read_bytes() + b"\0" * (number + 1))
        yield copy
