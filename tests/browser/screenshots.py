"""Pictures of each page, in light and dark and three widths."""

import argparse
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Page

from sandbox.demo.local_shop import LocalShop
from tests.browser.chromium import chromium
from tests.browser.order_states import STATES, OrderStates
from tests.browser.test_accessibility import PAGES
from tests.browser.visitor import Visitor
from tests.journeys.running_shop import RunningShop

WIDTHS = (320, 768, 1280)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

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
        visitor = Visitor(browser, shop.url, locale=options.language)
        for name, showing in _pages(running_shop):
            if name.startswith(options.only):
                with showing as address:
                    _take(visitor.open(address), options.folder, name)
    print(f"The pictures are in {options.folder}.")  # noqa: T201 -- what its user waits for


def _pages(shop: RunningShop) -> Iterator[tuple[str, AbstractContextManager[str]]]:
    for address in PAGES:
        yield address.strip("/").replace("/", "-") or "home", _at(address)
    states = OrderStates(shop=shop, photo=PHOTO)
    for name, state in STATES.items():
        yield name, state(states)


@contextmanager
def _at(address: str) -> Iterator[str]:
    yield address


def _take(page: Page, folder: Path, name: str) -> None:
    page.wait_for_load_state("networkidle")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            page.screenshot(path=folder / f"{name}-{scheme}-{width}.png", full_page=True)
    page.close()


if __name__ == "__main__":
    main()
