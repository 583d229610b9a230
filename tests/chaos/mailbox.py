"""The visitors' mailbox, read from the database file of SendGrid's twin.

Reading it costs the twin nothing.
"""

import json
import re
import sqlite3
from pathlib import Path
from threading import Lock

_LINK = re.compile(r"/api/download/([A-Za-z0-9_-]+)")


class Mailbox:
    """Received mails; each is read once, and its link kept by address."""

    def __init__(self, ledger: Path) -> None:
        self._lock = Lock()
        self._links: dict[str, str] = {}
        self._read_up_to = 0
        self._connection = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True, check_same_thread=False)

    def close(self) -> None:
        """Close the ledger."""
        self._connection.close()

    def link_to(self, address: str) -> str | None:
        """The token of the latest download link sent to an address."""
        with self._lock:
            self._read_on()
            return self._links.get(address)

    def _read_on(self) -> None:
        rows = self._connection.execute(
            "SELECT seq, body FROM objects WHERE kind = 'mail' AND seq > ? ORDER BY seq", [self._read_up_to]
        )
        for number, body in rows:
            self._read_up_to = number
            mail = json.loads(body)
            if token := token_in(mail["text"]):
                self._links.update({one["email"]: token for one in mail["to"]})


def token_in(text: str) -> str | None:
    """The token of the download link in a mail's text, if any."""
    found = _LINK.search(text)
    return found[1] if found else None
