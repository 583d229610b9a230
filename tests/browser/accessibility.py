"""What axe finds on a page."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

#: WCAG 2.2 AA, and what axe's authors recommend beyond it.
_RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "rules": {
        "label-content-name-mismatch": {"enabled": True}
    },  # who speaks to the browser says what they see
}


def violations(page: Page) -> list[str]:
    """Each violation on the page as it is now, with its elements."""
    found = Axe().run(page, options=_RULES).response["violations"]
    return [
        f"{each['id']} ({each['help']}): {node['html'][:200]} {node['failureSummary']}"
        for each in found
        for node in each["nodes"]
    ]
