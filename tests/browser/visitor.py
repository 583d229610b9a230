"""One person in front of a browser, and what went wrong."""

from collections.abc import Callable, Mapping
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.browser.accessibility import violations

#: What a browser says when there is no line, which tests take away.
_NO_LINE = "net::ERR_INTERNET_DISCONNECTED"


#: What differs in the browser of a phone.
PHONE: Mapping[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}

#: Sums up layout shifts that no click or key has caused.
_WATCH = """
    window.shift = 0;
    new PerformanceObserver((list) => {
        for (const each of list.getEntries()) window.shift += each.hadRecentInput ? 0 : each.value;
    }).observe({ type: "layout-shift", buffered: true });
"""


class Visitor:
    """A browser of one person; its pages share cookies and storage.

    Attributes:
        complaints: errors that the browser logged, such as violations of the content policy.
    """

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.context: BrowserContext = browser.new_context(
            base_url=url, **{"locale": "en-US", "reduced_motion": "reduce", **options}
        )
        self.complaints: list[str] = []
        self._url = url
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def open(self, address: str) -> Page:
        """Open an address in a new tab."""
        page = self.context.new_page()
        page.goto(address)
        return page

    def watched_page(self) -> Page:
        """A new tab that sums up layout shifts in ``window.shift``."""
        page = self.context.new_page()
        page.add_init_script(_WATCH)
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        """Note errors of our pages, without their status or a missing line."""
        about = message.location["url"]
        is_about_the_page = message.page is not None and about == message.page.url
        if (
            message.type == "error"
            and about.startswith(self._url)
            and not is_about_the_page
            and _NO_LINE not in message.text
        ):
            self.complaints.append(f"{about}: {message.text}")


NewVisitor = Callable[..., Visitor]


def is_accessible(page: Page) -> None:
    """Assert that axe finds nothing, in light and in dark colours."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], scheme
    page.emulate_media(color_scheme="null")
