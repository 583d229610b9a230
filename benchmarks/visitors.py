"""Customers of a running shop, who upload photos and pay."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx2
import psycopg
from PIL import Image

COMPLETE_SECONDS = 120
#: Between two looks whether orders are complete.
LOOK_SECONDS = 0.01


def noisy_jpeg(width: int, height: int, quality: int = 75) -> bytes:
    """Return a JPEG that takes as long to decode as a photo."""
    picture = BytesIO()
    Image.effect_noise((width, height), 40).convert("RGB").save(picture, "JPEG", quality=quality)
    return picture.getvalue()


class Visitors:
    """Customers of one shop, whose twins answer at once."""

    def __init__(
        self, resources: ExitStack, shop_url: str, addresses: Mapping[str, str], database_url: str
    ) -> None:
        self._shop_url = shop_url
        self._mailbox = f"{addresses['sendgrid']}/_twin/mailbox"
        self._http = resources.enter_context(httpx2.Client(timeout=60, follow_redirects=True))
        self._database = resources.enter_context(psycopg.connect(database_url, autocommit=True))
        options = {"engine": "copy", "creates_per_minute": None}
        self._http.put(f"{addresses['replicate']}/_twin/settings", json=options).raise_for_status()

    def open_session(self) -> str:
        """Open an upload session; return its id."""
        return str(self._json("/api/uploads")["session_id"])

    def upload(self, session: str, photo: bytes) -> None:
        """Send a photo."""
        headers = {"Content-Type": "image/jpeg"}
        self._json(f"/api/uploads/{session}/photos?filename=picnic.jpg", content=photo, headers=headers)

    def payment_page(self, session: str) -> str:
        """Have the photos quoted; return the page to pay on."""
        return str(self._json("/api/checkout-sessions", json={"session_id": session})["url"])

    def pay(self, page: str) -> str:
        """Press the page's button; return the customer's address."""
        address = f"{uuid4().hex}@customer.example"
        form = {"action": "pay", "email": address, "name": "Ada"}
        self._http.post(page, data=form, follow_redirects=False)
        return address

    def completed(self) -> int:
        """Return how many orders are complete."""
        found = self._database.execute("SELECT count(*) FROM orders WHERE state = 'completed'").fetchall()
        return int(found[0][0])

    def wait_for(self, completed: int) -> None:
        """Wait until so many orders are complete."""
        wait_until(lambda: self.completed() >= completed)

    def last_mail_at(self, address: str) -> float:
        """Return when the last mail was accepted, in seconds since the epoch."""
        mails = self._http.get(self._mailbox, params={"to": address}).raise_for_status().json()
        return float(max(mail["at"] for mail in mails))

    def _json(self, path: str, **arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._http.post(self._shop_url + path, **arguments).raise_for_status().json()
        return answer


def wait_until(
    is_so: Callable[[], bool], fact: str = "the orders are complete", *, every_seconds: float = LOOK_SECONDS
) -> None:
    """Look again and again; raise AssertionError when a fact takes too long."""
    deadline = time.monotonic() + COMPLETE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"After {COMPLETE_SECONDS} seconds it is not so that {fact}.")
        time.sleep(every_seconds)
