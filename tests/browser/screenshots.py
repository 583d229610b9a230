"""Pictures of each page, in light and dark and three widths."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Page

from sandbox.demo.local_shop import LocalShop
from tests.browser.chromium import chromium
from tests.browser.order_states import STATES, OrderStates
from tests.browser.test_accessibility import PAGES, WIDTHS
from tests.browser.test_gallery import SHARE_SHEET
from tests.browser.upload_states import UPLOADS
from tests.browser.visitor import PHONE, Visitor
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

#: Touch offers a camera, and a phone's sheet to share files its photo library.
ON_A_PHONE = "phone-"

ROOT = Path(__file__).parents[2]
PHOTO = ROOT / "sandbox" / "samples" / "eileen-before-her-flight.jpg"


def main() -> None:
    """Write the pictures into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "screenshots")
    parser.add_argument("--only", default="", help="the beginning of the names of the pages to take")
    parser.add_argument("--language", default="en-US", help="what the browser asks for")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(prefix="restoreclick-screenshots-") as data_dir,
        LocalShop(Path(data_dir)) as shop,
        RunningShop(shop) as running_shop,
        chromium() as browser,
    ):
        for name, opened in _pages(running_shop):
            if name.startswith(options.only):
                device = PHONE if name.startswith(ON_A_PHONE) else {}
                visitor = Visitor(browser, shop.url, locale=options.language, **device)
                if device:
                    visitor.context.add_init_script(SHARE_SHEET)
                with opened(visitor) as page:
                    _take(page, options.folder, name)
                visitor.context.close()
    print(f"The pictures are in {options.folder}.")  # noqa: T201 -- what its user waits for


def _pages(shop: RunningShop) -> Iterator[tuple[str, Callable[[Visitor], AbstractContextManager[Page]]]]:
    for address in PAGES:
        name = address.strip("/").replace("/", "-") or "home"
        yield name, partial(_opened, nullcontext(address))
    for name, upload in UPLOADS.items():
        yield name, partial(_uploaded, upload)
    states = OrderStates(shop=shop, photo=PHOTO)
    yield f"{ON_A_PHONE}upload", partial(_uploaded, UPLOADS["upload-ready"])
    yield f"{ON_A_PHONE}gallery", partial(_opened, states.gallery())
    for name, state in STATES.items():
        yield name, partial(_opened, state(states))


@contextmanager
def _opened(state: AbstractContextManager[str], visitor: Visitor) -> Iterator[Page]:
    with state as address:
        yield visitor.open(address)


@contextmanager
def _uploaded(state: Callable[[Visitor, Path], Page], visitor: Visitor) -> Iterator[Page]:
    yield state(visitor, PHOTO)


def _take(page: Page, folder: Path, name: str) -> None:
    page.evaluate("for (const picture of document.images) picture.loading = 'eager'")
    loaded = "Array.from(document.images).every((picture) => picture.complete)"
    eventually(lambda: page.evaluate(loaded), "the pictures of the page")
    is_on_a_phone = name.startswith(ON_A_PHONE)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in [PHONE["viewport"]["width"]] if is_on_a_phone else WIDTHS:
            # A picture of the full page would be one without touch, so a phone's screen is as high as the page.
            height = page.evaluate("document.documentElement.scrollHeight") if is_on_a_phone else 800
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=folder / f"{name}-{scheme}-{width}.png", full_page=not is_on_a_phone)


if __name__ == "__main__":
    main()
