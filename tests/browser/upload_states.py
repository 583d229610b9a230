"""The upload page in each state, in any language."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.line import Line, progress
from tests.browser.visitor import Visitor
from tests.waiting import eventually

#: Bytes a second, and of a photo, so that it stays on its way while it is looked at.
CREEPING, LONG = 8_000, 500_000

#: A sentence of the page's scripts.
_SENTENCE = "key => JSON.parse(document.querySelector('[data-texts]').content.textContent)[key]"


def empty(visitor: Visitor, photo: Path) -> Page:
    """A session whose only photo was removed."""
    page = ready(visitor, photo)
    page.locator("#photos [id^=remove-]").click()
    expect(page.locator("#photos li")).to_have_count(0)
    return page


def ready(visitor: Visitor, photo: Path) -> Page:
    """A photo that can be paid."""
    page = visitor.open("/")
    page.set_input_files("[data-choose]", photo)
    expect(page.locator("#photos img")).to_be_visible()
    expect(page.locator("[data-uploading] li")).to_have_count(0)
    return page


def uploading(visitor: Visitor, photo: Path) -> Page:
    """A photo on its way."""
    page = visitor.open("/")
    Line(page).change(uploadThroughput=CREEPING)
    long = photo.read_bytes().ljust(LONG, b"\0")
    page.set_input_files("[data-choose]", {"name": photo.name, "mimeType": "image/jpeg", "buffer": long})
    eventually(lambda: progress(page) > 0, "the upload")
    return page


def paused(visitor: Visitor, photo: Path) -> Page:
    """A photo whose line is broken."""
    page = visitor.open("/")
    page.route("**/tus/*", lambda route: route.abort("internetdisconnected"))
    page.set_input_files("[data-choose]", photo)
    expect(page.locator("[data-state]")).to_have_text(page.evaluate(_SENTENCE, "paused"))
    return page


def refused(visitor: Visitor, photo: Path) -> Page:
    """A photo, and a file that is none."""
    page = ready(visitor, photo)
    page.set_input_files("[data-choose]", Path(__file__))
    expect(page.locator("[data-refused]")).to_be_visible()
    visitor.complaints.clear()  # the browser logs a refusal itself
    return page


def refused_without_scripts(visitor: Visitor, photo: Path) -> Page:
    """The answer to a plain form with a duplicate and a letter."""
    page = _plain(visitor, [photo, photo, Path(__file__)])
    expect(page.locator("[data-refused]")).to_be_visible()
    return page


def empty_without_scripts(visitor: Visitor, photo: Path) -> Page:
    """The answer to a plain form without a photo."""
    page = _plain(visitor, [Path(__file__)])
    expect(page.locator("[data-refused]")).to_be_visible()
    del photo
    return page


def wrong_address(visitor: Visitor, photo: Path) -> Page:
    """A payment form with an address that the shop refuses."""
    page = ready(visitor, photo)
    page.locator("#email").fill("ada@customer")
    page.locator("[data-pay]").click()
    expect(page.locator("#pay-problem")).to_be_in_viewport()
    expect(page.locator("#email")).to_be_focused()
    visitor.complaints.clear()  # the browser logs the answer itself
    return page


def wrong_code(visitor: Visitor, photo: Path) -> Page:
    """A payment form with a code that does not exist."""
    page = ready(visitor, photo)
    page.locator("#code-summary").click()
    page.locator("#code").fill("ABCD-EFGH")
    page.locator("[data-pay]").click()
    expect(page.locator("#pay-problem")).to_be_in_viewport()
    visitor.complaints.clear()
    return page


def _plain(visitor: Visitor, files: list[Path]) -> Page:
    """Send files by the form that works without scripts."""
    visitor.context.route(re.compile("/built/"), lambda route: route.abort())
    page = visitor.open("/")
    page.set_input_files("[data-choose]", files)
    page.locator("[data-send]").click()
    page.wait_for_url("**/uploads/*")
    visitor.complaints.clear()  # the browser logs the missing scripts itself
    return page


def paying(visitor: Visitor, photo: Path) -> Page:
    """A session whose payment is awaited."""
    page = ready(visitor, photo)
    own = page.evaluate("location.pathname")
    page.locator("[data-pay]").click()
    expect(page.get_by_label("E-mail")).to_be_visible()
    page.goto(own)
    return page


UPLOADS: Mapping[str, Callable[[Visitor, Path], Page]] = {
    "upload-empty": empty,
    "upload-ready": ready,
    "upload-uploading": uploading,
    "upload-paused": paused,
    "upload-refused": refused,
    "upload-refused-without-scripts": refused_without_scripts,
    "upload-empty-without-scripts": empty_without_scripts,
    "upload-wrong-address": wrong_address,
    "upload-wrong-code": wrong_code,
    "upload-paying": paying,
}
