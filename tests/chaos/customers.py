"""The actions of visitors, as generators that yield the seconds to wait."""

import hashlib
import io
import time
import zipfile
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
from PIL import Image

from tests.chaos.event_stream import EventStream
from tests.chaos.mailbox import Mailbox
from tests.chaos.resumable import upload_in_pieces
from tests.chaos.schedule import BOUNCES, Manner, Visit
from tests.chaos.visits import Ending, Experience, GaveUpError, RefusedError, require

#: How long a visitor retries a request before giving up, and how long they wait for a paid order.
PATIENCE_SECONDS = 45.0
ORDER_PATIENCE_SECONDS = 240.0
#: The pauses between two requests for a page: the first, and the longest.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.3, 3.0
LOOK_SECONDS, LONGEST_LOOK_SECONDS = 3.0, 10.0

#: What a browser would show as "try again": a conflict, or too many requests.
_AGAIN = {httpx2.codes.CONFLICT, httpx2.codes.TOO_MANY_REQUESTS}
#: The languages of the visitors, in turn.
LOCALES = ("en-GB", "de-AT")
_OVER = {"completed", "refunded"}
_PICTURE = Path(__file__).parents[1] / "journeys" / "harvest-1926.jpg"
_WIDTH, _HEIGHT = 112, 80

Steps = Generator[float, None, None]
Answers = Generator[float, None, httpx2.Response]


class Visitors:
    """The clients that all visitors share."""

    def __init__(self, environment: dict[str, str], mailbox: Mailbox) -> None:
        self.shop = environment["PUBLIC_URL"]
        self.stripe = environment["STRIPE_API_BASE"]
        self._stripe_key = environment["STRIPE_SECRET_KEY"]
        self._mailbox = mailbox
        self.http = httpx2.Client(
            trust_env=False, timeout=10, limits=httpx2.Limits(max_connections=None, keepalive_expiry=2)
        )

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def steps(self, lived: Experience) -> Steps:
        """A whole visit; it ends by recording its outcome."""
        try:
            yield from self._visit(lived)
        except GaveUpError as over:
            lived.ending, lived.word = Ending.GAVE_UP, str(over)
        except RefusedError as refused:
            lived.ending, lived.word = Ending.REFUSED, str(refused)

    def insist(self, method: str, url: str, **request: Any) -> Answers:
        """Send a request until its answer is no fault of the shop's.

        Raises GaveUpError after PATIENCE_SECONDS.
        """
        deadline, pause, trouble = time.monotonic() + PATIENCE_SECONDS, FIRST_PAUSE_SECONDS, ""
        while time.monotonic() < deadline:
            try:
                answer = self.http.request(method, url, **request)
            except httpx2.TransportError as error:
                trouble = type(error).__name__
            else:
                if not answer.is_server_error and answer.status_code not in _AGAIN:
                    return answer
                trouble = f"{answer.status_code}: {answer.text[:200]}"
            yield pause
            pause = min(pause * 1.7, LONGEST_PAUSE_SECONDS)
        raise GaveUpError(f"{method} {url} had no answer for {PATIENCE_SECONDS:g} s; the last was {trouble}")

    def _visit(self, lived: Experience) -> Steps:
        visit = lived.visit
        if visit.manner is Manner.STRANGER:
            yield from self._pay_for_nothing(lived)
            return
        opened = yield from self._expect("POST", f"{self.shop}/api/uploads")
        lived.session_id = opened["session_id"]
        for number, place in enumerate(visit.photos, start=1):
            if visit.is_resumable:
                yield from upload_in_pieces(self, lived, f"photo-{number}.jpg", picture(place))
                continue
            photos = f"{self.shop}/api/uploads/{lived.session_id}/photos?filename=photo-{number}.jpg"
            content = {"content": picture(place), "headers": {"Content-Type": "image/jpeg"}}
            yield from self._expect("POST", photos, **content)
        if visit.manner is Manner.ABANDONS_PHOTOS:
            lived.ending = Ending.LEFT
            return
        asked = {"session_id": lived.session_id, "locale": LOCALES[visit.number % len(LOCALES)]}
        checkout = yield from self._expect("POST", f"{self.shop}/api/checkout-sessions", json=asked)
        if visit.manner is Manner.ABANDONS_PAYMENT:
            lived.ending = Ending.LEFT
            return
        yield from self._pay(visit, checkout["url"])
        yield from self._wait_for_photos(lived)

    def _pay(self, visit: Visit, page: str) -> Steps:
        if visit.manner is Manner.PAYS_LATER:
            yield visit.hesitates_seconds
        by_debit = visit.manner in {Manner.BY_DEBIT, Manner.DEBIT_FAILS}
        form = {"email": visit.email, "name": "Ada Palmer", "action": "pay_later" if by_debit else "pay"}
        for _ in range(2 if visit.manner is Manner.PAYS_TWICE else 1):
            yield from self._press(page, form)
        if by_debit:
            yield visit.hesitates_seconds
            outcome = "failed" if visit.manner is Manner.DEBIT_FAILS else "succeeded"
            settle = f"{self.stripe}/_twin/checkout/{page.rpartition('/')[2]}/settle"
            yield from self.insist("POST", settle, json={"outcome": outcome})

    def _press(self, page: str, form: dict[str, str]) -> Steps:
        """Submit the payment page until it reports the payment.

        A report that it was paid before counts, too.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = self.http.post(page, data=form)
            except httpx2.TransportError:
                answer = None
            if answer is not None and answer.status_code in {httpx2.codes.SEE_OTHER, httpx2.codes.CONFLICT}:
                return
            yield FIRST_PAUSE_SECONDS
        raise GaveUpError("The payment page did not take the money.")

    def _wait_for_photos(self, lived: Experience) -> Steps:
        looks = _Looks()
        session = f"{self.shop}/api/uploads/{lived.session_id}"
        while not lived.order_id:
            seen = yield from self._expect("GET", session)
            lived.order_id = seen["order_id"] or ""
            if lived.visit.manner is Manner.DEBIT_FAILS:
                lived.ending = Ending.LEFT
                return
            yield looks.pause("the order")
        if lived.visit.email.endswith(BOUNCES):
            lived.ending = Ending.LEFT  # no mail to them arrives
            return
        progress: dict[str, Any] = {"state": ""}
        stream = EventStream(self, lived)
        while progress["state"] not in _OVER:
            yield looks.pause(f"the end of order {lived.order_id}")
            streamed = stream.look() if lived.visit.is_watching else None
            if streamed is None:  # quiet, or refused: a page polls then
                status = f"{self.shop}/api/restoration/status/{lived.order_id}"
                progress = yield from self._expect("GET", status)
            else:
                progress = streamed
        if progress["state"] == "completed":
            yield from self._fetch(lived, looks)
        lived.ending = Ending.SERVED

    def _fetch(self, lived: Experience, looks: "_Looks") -> Steps:
        """Press the button on the page behind the link in the mail."""
        while not (link := self._mailbox.link_to(lived.visit.email)):
            yield looks.pause(f"the mail about order {lived.order_id}")
        lived.link = link
        button = f"{self.shop}/api/download/{lived.link}/archive"
        answer = yield from self.insist("POST", button, follow_redirects=True)
        require(answer)
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            contents = [archive.read(name) for name in archive.namelist()]
        lived.delivered = [hashlib.sha256(content).hexdigest() for content in contents]

    def _pay_for_nothing(self, lived: Experience) -> Steps:
        """Pay a checkout of the shop's account that it did not open.

        An old payment link would do the same.
        """
        line = "line_items[0]"
        wanted = {
            "mode": "payment",
            "success_url": self.shop,
            f"{line}[quantity]": "1",
            f"{line}[price_data][currency]": "eur",
            f"{line}[price_data][unit_amount]": "700",
            f"{line}[price_data][product_data][name]": "A print",
        }
        url = f"{self.stripe}/v1/checkout/sessions"
        answer = yield from self.insist("POST", url, data=wanted, auth=(self._stripe_key, ""))
        require(answer)
        yield from self._press(
            answer.json()["url"], {"email": lived.visit.email, "name": "Grace", "action": "pay"}
        )
        lived.ending = Ending.LEFT

    def _expect(self, method: str, url: str, **request: Any) -> Generator[float, None, dict[str, Any]]:
        answer = yield from self.insist(method, url, **request)
        require(answer)
        found: dict[str, Any] = answer.json()
        return found


class _Looks:
    """How often a paying visitor checks: ever less, up to a deadline."""

    def __init__(self) -> None:
        self._until = time.monotonic() + ORDER_PATIENCE_SECONDS
        self._pause_seconds = LOOK_SECONDS

    def pause(self, what: str) -> float:
        """The seconds until the next check.

        Raises GaveUpError after ORDER_PATIENCE_SECONDS.
        """
        if time.monotonic() > self._until:
            raise GaveUpError(f"It waited {ORDER_PATIENCE_SECONDS:g} s for {what} in vain")
        pause_seconds = self._pause_seconds
        self._pause_seconds = min(pause_seconds * 1.5, LONGEST_LOOK_SECONDS)
        return pause_seconds


def picture(place: int) -> bytes:
    """A small part of the old picture, which hardly another visitor sends."""
    left, top = place % (_whole().width - _WIDTH), place // 100 % (_whole().height - _HEIGHT)
    content = io.BytesIO()
    _whole().crop((left, top, left + _WIDTH, top + _HEIGHT)).save(content, "JPEG", quality=80)
    return content.getvalue()


@cache
def _whole() -> Image.Image:
    with Image.open(_PICTURE) as opened:
        return opened.convert("RGB")
