"""A customer of the shop, who does everything over HTTP."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Self
from urllib.parse import urljoin

import httpx2

from sandbox.demo.errors import DemoError

Json = dict[str, Any]

NAME = "Ada Palmer"

TIMEOUT_SECONDS = 30.0

#: Servers close a connection after five idle seconds; one that is used just then would be reset.
SHORT_IDLE = httpx2.Limits(keepalive_expiry=1.0)


class RefusedPhotoError(Exception):
    """The shop does not take a photo; the message is its advice."""


class ShopAnswerError(DemoError):
    """The shop, or the payment page, answered what no customer should see."""

    def __init__(self, asked: str, answer: httpx2.Response) -> None:
        self.asked = asked
        self.status = answer.status_code
        super().__init__(f"{asked} was answered with {answer.status_code}: {_detail(answer)}")


class Customer:
    """One visit: an upload session, a payment, an order, two mails."""

    def __init__(
        self, shop_url: str, mailbox_url: str, *, email: str = "ada@example.com", name: str = NAME
    ) -> None:
        self._shop_url = shop_url
        self._mailbox_url = mailbox_url
        self._http = httpx2.Client(trust_env=False, timeout=TIMEOUT_SECONDS, limits=SHORT_IDLE)
        self.email = email
        self._name = name
        self.session_id = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def open_session(self) -> str:
        """Open an upload session, and give its id."""
        self.session_id = str(self._ask("POST", "/api/uploads")["session_id"])
        return self.session_id

    def send(self, photo: Path, name: str) -> bool:
        """Send a photo from the disk; whether it is new. Raises RefusedPhotoError."""
        with photo.open("rb") as content:
            answer = self._http.post(
                f"{self._shop_url}/api/uploads/{self.session_id}/photos",
                params={"filename": name},
                headers={"Content-Type": "application/octet-stream"},
                content=content,
            )
        if answer.is_client_error:
            raise RefusedPhotoError(_detail(answer))
        _require(answer.is_success, f"Sending {name}", answer)
        return not answer.json()["is_duplicate"]

    def ask_for_checkout(self, *, email: str | None = None) -> Json:
        """Have the photos quoted; the answer names the payment page."""
        body = {"session_id": self.session_id} | ({"email": email} if email is not None else {})
        return self._ask("POST", "/api/checkout-sessions", json=body)

    def pay(self, page_url: str) -> None:
        """Pay on the payment page, and follow it back to the shop."""
        answer = self.press(page_url, "pay")
        _require(answer.status_code == httpx2.codes.SEE_OTHER, "The payment", answer)
        landing = self._http.get(urljoin(page_url, answer.headers["location"]))
        _require(landing.is_success, "The page after the payment", landing)

    def press(self, page_url: str, button: str) -> httpx2.Response:
        """Fill in the payment page's form and press one of its buttons."""
        page = self._http.get(page_url)
        _require(page.is_success, "The payment page", page)
        form = _Form.on(page.text)
        fields = form.fields | {"email": self.email, "name": self._name, "action": button}
        return self._http.post(urljoin(page_url, form.action), data=fields)

    def order_id(self) -> str | None:
        """The session's order; none until the shop knows of the payment."""
        order_id: str | None = self._ask("GET", f"/api/uploads/{self.session_id}")["order_id"]
        return order_id

    def order(self, order_id: str) -> Json:
        """The order as the shop shows it."""
        return self._ask("GET", f"/api/orders/{order_id}")

    def mails(self) -> list[Json]:
        """What lies in the mailbox, the oldest first."""
        answer = self._http.get(f"{self._mailbox_url}/_twin/mailbox", params={"to": self.email})
        _require(answer.is_success, "The mailbox", answer)
        mails: list[Json] = answer.json()
        return mails

    def link_in(self, mail: Json) -> str | None:
        """The download link in a mail's text, if it has one."""
        found = re.search(rf"{re.escape(self._shop_url)}/api/download/[^\s<>\"]+", mail["text"])
        return found[0] if found else None

    @contextmanager
    def fetching(self, link: str) -> Iterator[Iterator[bytes]]:
        """Open a download page and fetch the archive; its chunks.

        The page's own button saves an archive only where there are several photos.
        """
        page = self._http.get(link, headers={"Accept": "text/html"})
        _require(page.is_success, "The page behind the link in the mail", page)
        with self._http.stream("POST", urljoin(link, "archive"), follow_redirects=True) as answer:
            if not answer.is_success:
                answer.read()
            _require(answer.is_success, "The archive of that page", answer)
            yield answer.iter_bytes()

    def _ask(self, method: str, path: str, **arguments: Any) -> Json:
        answer = self._http.request(method, f"{self._shop_url}{path}", **arguments)
        _require(answer.is_success, f"{method} {path}", answer)
        found: Json = answer.json()
        return found


class _Form(HTMLParser):
    """The first form of a page: its action and its filled fields."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}

    @classmethod
    def on(cls, page: str) -> Self:
        form = cls()
        form.feed(page)
        return form

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form's address and its inputs."""
        given = dict(attrs)
        if tag == "form" and not self.action:
            self.action = given.get("action") or ""
        elif tag == "input" and (name := given.get("name")):
            self.fields[name] = given.get("value") or ""


def _require(holds: bool, asked: str, answer: httpx2.Response) -> None:  # noqa: FBT001 -- reads as a sentence at the call
    if not holds:
        raise ShopAnswerError(asked, answer)


def _detail(answer: httpx2.Response) -> str:
    """What a problem document says, or the first words of whatever came."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.text.strip()[:200] or "nothing"
