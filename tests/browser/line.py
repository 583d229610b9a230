"""The network of a page, by the browser's own tools."""

from playwright.sync_api import CDPSession, Page


class Line:
    """The line between a page and the shop."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("Network.enable")

    def change(self, **conditions: float) -> None:
        """Set the conditions that differ from a line without limits."""
        usual = {"offline": False, "downloadThroughput": -1, "uploadThroughput": -1, "latency": 0}
        self._session.send("Network.emulateNetworkConditions", {**usual, **conditions})


def progress(page: Page) -> float:
    """How much of the only photo is uploaded, in percent."""
    return float(page.evaluate("document.querySelector('[data-uploading] progress')?.value ?? 0"))
