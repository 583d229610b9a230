"""Mail scanners, which follow a mail's links before its reader does.

They must not count as customers.
"""

import re
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from domain.ports.email import OutgoingEmail
from tests.doubles.email import token_in

if TYPE_CHECKING:
    from tests.simulation.world import World

#: How a mailbox's scanner opens links; each is as likely as it is frequent here. Some mailboxes have none.
MANNERS = (*("none",) * 3, "get", "head", "headless browser")
_BROWSER = {"accept": "text/html", "user-agent": "Mozilla/5.0 HeadlessChrome/124.0"}


def scan(world: "World", message_id: str, mail: OutgoingEmail) -> None:
    """Open a mail's link, if it has one, as its scanner does."""
    token = token_in(mail.content)
    manner = world.chance.one_of(f"scanner {message_id}", MANNERS)
    if token is None or manner == "none":
        return
    name, link = f"scanner of {message_id}", f"/api/download/{token}"
    world.trace.note(f"is scanned: {manner}", message_id)
    match manner:
        case "get":
            for what in ("/photos", "/archive", ""):
                world.ask(name, "GET", f"{link}{what}")
        case "head":
            for what in ("/photos", "/archive", ""):
                world.ask(name, "HEAD", f"{link}{what}")
        case _:
            page = world.ask(name, "GET", f"{link}/photos", headers=_BROWSER)
            for picture in re.findall(r'<img src="([^"]+)"', page.body.decode() if page is not None else ""):
                world.ask(name, "GET", urljoin(f"{link}/photos", unescape(picture)), headers=_BROWSER)
