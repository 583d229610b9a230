"""Simulated customers: they upload, pay, abandon, download, request redos and dispute."""

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID

from domain.order.values import OrderId, UploadSessionId
from domain.ports.email import OutgoingEmail
from domain.ports.payments import CheckoutStatus, PaymentEventKind
from tests.doubles.email import token_in
from tests.simulation.participants import HABITS, LINK_ACTIONS, Participant
from tests.simulation.privacy_and_payment_requests import corrected
from tests.simulation.requests import Answer
from tests.simulation.scheduler import DAY, HOUR, MINUTE, SECOND

if TYPE_CHECKING:
    from tests.simulation.world import World

#: The codes that visitors enter at the checkout, by how they appear in a mail.
CODES = {
    "referral_code": r"referral_code='([^']+)'",
    "points_code": r"points=[1-9].*points_code='([^']+)'",
}
#: The share of worlds in which customers pay in the same moment, as after a newsletter: payments come in batches.
PAYING_TOGETHER = 0.25
#: How often a visitor retries after no answer, or one that asks to retry.
TRIES = 12


class Visitor:
    """One customer, from the first request to the last."""

    def __init__(self, world: "World", part: Participant) -> None:
        self.world = world
        self.name = part.name
        self.number = number = part.number
        friend = number - 1 if number % 5 == 0 and number > 1 else number
        self.email = f"visitor-{friend}@customer.example"
        self.session_id: UploadSessionId | None = None
        self.order_id: OrderId | None = None
        self.checkouts: list[str] = []
        self._habit = part.habit
        self._link_action = part.link_action
        self._photos = part.photos
        self._steps = 0
        self._has_a_friend = self._draw("friend") < 0.3

    # Draws, keyed by this visitor and nothing else.

    def _draw(self, what: str) -> float:
        return self.world.chance.at(f"{self.name} {what}")

    def _one_of(self, what: str, things: tuple[str, ...]) -> str:
        return self.world.chance.one_of(f"{self.name} {what}", things)

    def _pause(self, least: float, most: float) -> None:
        self._steps += 1
        share = self._draw(f"pause {self._steps}")
        self.world.scheduler.sleep(int(least + (most - least) * share))

    # The visit.

    def live(self) -> None:
        """Place an order, or abandon it."""
        if self._has_a_friend:
            self._wait_for_a_friend()
        if not self._upload() or not self._ask_for_checkout():
            return
        habit = self._habit = self._habit or self._one_of("habit", HABITS)
        self.world.trace.note(f"is going to {habit}", str(self.session_id))
        self._pause(2 * SECOND, 3 * MINUTE)
        if habit == "abandon":
            return
        if habit == "pay when it is late":
            self._pause(50 * MINUTE, 70 * MINUTE)
        if habit in {"pay twice", "come back with more"}:
            self._return_after_the_page_ran_out(habit)
        later = habit == "pay later"
        for checkout in self.checkouts if habit == "pay twice" else self.checkouts[-1:]:
            self._pay(checkout, later=later)
        self._follow()

    def _upload(self) -> bool:
        opened = self._ask("POST", "/api/uploads")
        if opened is None or opened.status != 201:
            return False
        self.session_id = UploadSessionId(UUID(opened.json()["session_id"]))
        for photo in range(1, (self._photos or 1 + int(self._draw("photos") * 2.99)) + 1):
            self._send(self._photo(photo), f"{photo}.jpg")
        if self._draw("sends twice") < 0.15:
            self._send(self._photo(1), "once more.jpg")
        if self._draw("takes out") < 0.15:
            self._take_out(self._send(self._photo(0), "not this one.jpg"))
        if self._draw("nonsense") < 0.1:
            self._send(b"broken", "notes.txt")
        return True

    def _photo(self, number: int) -> bytes:
        """Unique bytes that show one of few sitters, to limit face comparisons."""
        return b"%s's photo %d: portrait of sitter %d" % (
            self.name.encode(),
            number,
            (self.number + number) % 12,
        )

    def _take_out(self, sent: Answer | None) -> None:
        if sent is not None and sent.status == 201:
            photo_id = sent.json()["photo_id"]
            self._ask("DELETE", f"/api/uploads/{self.session_id}/photos/{photo_id}")

    def _send(self, photo: bytes, file_name: str) -> Answer | None:
        query = urlencode({"filename": file_name})
        self._pause(SECOND, 20 * SECOND)
        return self._ask("POST", f"/api/uploads/{self.session_id}/photos?{query}", photo)

    def _ask_for_checkout(self) -> bool:
        body = {"session_id": str(self.session_id)}
        opened = self._say("/api/checkout-sessions", body | (self._code() if self._has_a_friend else {}))
        if opened is not None and 400 <= opened.status < 500:
            opened = self._say("/api/checkout-sessions", body)  # then without a code
        if opened is None or opened.status >= 300:
            return False
        checkout = opened.json()["url"].rpartition("/")[2]
        if checkout not in self.checkouts:
            self.checkouts.append(checkout)
        return True

    def _say(self, target: str, body: dict[str, str]) -> Answer | None:
        return self._ask("POST", target, json.dumps(body).encode(), {"content-type": "application/json"})

    def _code(self) -> dict[str, str]:
        """Find a code in a mail to an earlier customer, or none."""
        kind = self._one_of("code", tuple(CODES))
        found = {
            str(mail.email_id): code[1]
            for mail in self.world.mailer.mailbox.values()
            if (code := re.search(CODES[kind], mail.content.html))
        }
        return {kind: self.world.chance.favourite(f"{self.name} mail", found)} if found else {}

    def _wait_for_a_friend(self) -> None:
        """Wait until an earlier customer has a code to pass on."""
        deadline = self.world.scheduler.now + 4 * HOUR
        while self.world.scheduler.now < deadline and not self._code():
            self.world.scheduler.wait("a mail", at_most=4 * HOUR)

    def _return_after_the_page_ran_out(self, habit: str) -> None:
        lifetime = int(self.world.policy.payments.checkout_lifetime.total_seconds() * SECOND)
        if habit == "come back with more":
            self.world.expire(self.checkouts[-1])
            self._pause(MINUTE, 5 * MINUTE)
            self._send(self._photo(9), "more.jpg")
        else:
            self.world.scheduler.sleep(lifetime + SECOND)
        self._ask_for_checkout()

    def _pay(self, checkout: str, *, later: bool) -> None:
        payments = self.world.payments
        if self.world.chance.at("customers pay together") < PAYING_TOGETHER:
            self.world.scheduler.sleep(-self.world.scheduler.now % HOUR)
        if payments.states[checkout].status is not CheckoutStatus.OPEN:
            return
        self.world.trace.note("pays later" if later else "pays", checkout)
        (payments.pay_later if later else payments.pay)(checkout, self.email, self.name)
        if self._habit == "pay too little":
            payments.take_another_amount(checkout, 1)
        self.world.post_checkout(checkout, PaymentEventKind.PENDING if later else PaymentEventKind.PAID)
        if later:
            self._pause(HOUR, 3 * DAY)
            self.world.settle(checkout, has_failed=self._draw("settled") < 0.3)

    def _follow(self) -> None:
        """Follow the order, wait for the mail with a link, use it."""
        for _ in range(3):
            self._pause(10 * SECOND, 2 * MINUTE)
            self._look()
            seen = self._ask("GET", f"/api/uploads/{self.session_id}")
            if seen is not None and seen.status == 200 and seen.json().get("order_url"):
                self.order_id = OrderId(UUID(seen.json()["order_url"].rpartition("/")[2]))
                break
        deadline = self.world.scheduler.now + 60 * DAY
        while (mail := self._link_mail()) is None and self.world.scheduler.now < deadline:
            self.world.scheduler.wait(("mail", self.email), at_most=2 * DAY)
            self._look()
        if mail is None:
            return
        self.order_id = mail.order_id
        link_action = self._link_action or self._one_of("deed", LINK_ACTIONS)
        # Visitors who want a redo ask for it soon, often within the faulty period.
        self._pause(MINUTE, HOUR if "redo" in link_action else 2 * DAY)
        self._look()
        self._use(token_in(mail.content) or "", link_action)

    def _look(self) -> None:
        """Request the order's page, as HTML and as JSON."""
        for accept in ("text/html", "application/json"):
            target = (
                f"/api/restoration/status/{self.order_id}"
                if self.order_id
                else f"/api/uploads/{self.session_id}"
            )
            self._ask("GET", target, headers={"accept": accept})

    def _link_mail(self) -> OutgoingEmail | None:
        mails = [
            *self.world.mailer.mails_to(self.email),
            *self.world.mailer.mails_to(corrected(self.email)),
        ]
        orders = {self.order_id} if self.order_id is not None else {each.order_id for each in mails}
        links = (each for each in reversed(mails) if each.order_id in orders and token_in(each.content))
        return next(links, None)

    def _use(self, token: str, link_action: str) -> None:
        self.world.trace.note(f"does this with the link: {link_action}", str(self.order_id))
        images = [str(image) for image in self.world.order(self.order_id).images] if self.order_id else []
        match link_action:
            case "forget":
                return
            case "come back after weeks":
                self.world.scheduler.sleep(15 * DAY)
                self._press(token, "archive")
                self._ask("POST", f"/api/download/{token}/renew")
                return
            case "fetch one":
                self._press(token, images[0])
            case "look":
                self._ask("GET", f"/api/download/{token}/photos")
            case "renew":
                self._ask("POST", f"/api/download/{token}/renew")
            case "resend":
                self._ask("POST", f"/api/email/resend/{self.order_id}")
            case "follow an old mail's link":
                self._ask("GET", f"/api/download/{token}", headers={"accept": "text/html"})
                self._ask("GET", f"/api/download/{token}")
            case _:
                self._press(token, "archive")
        for image in _redone(link_action, images):
            self._ask("POST", f"/api/download/{token}/{image}/redo")
            self._pause(10 * SECOND, 3 * MINUTE)
        if link_action == "dispute" and self.order_id is not None:
            self.world.dispute(self.order_id)
        self._trespass(token)

    def _press(self, token: str, what: str) -> None:
        """Open the link's page, press a file's button, and follow the redirect."""
        self._ask("GET", f"/api/download/{token}/photos", headers={"accept": "text/html"})
        pressed = self._ask("POST", f"/api/download/{token}/{what}")
        if pressed is not None and pressed.status == 303:
            self._ask("GET", f"/api/download/{token}/{pressed.headers['location']}")

    def _trespass(self, token: str) -> None:
        """Request another customer's photo through one's own link, and an unknown link.

        Neither may succeed.
        """
        orders = self.world.own_unit_of_work.pages.orders
        others = {str(order_id): one for order_id, one in orders.items() if order_id != self.order_id}
        if others:
            other = self.world.chance.favourite(f"{self.name} other", others)
            for image in list(other.images)[:1]:
                self._ask("GET", f"/api/download/{token}/{image}")
        self._ask("GET", f"/api/download/{'0' * len(token)}")

    def _ask(
        self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer | None:
        """Send a request until its answer does not ask for a retry."""
        answer: Answer | None = None
        for attempt in range(TRIES):
            answer = self.world.ask(self.name, method, target, body=body, headers=headers or {})
            if answer is not None and answer.status < 500:
                return answer
            self._pause(SECOND, (1 << min(attempt, 8)) * 4 * SECOND)
        return answer


def _redone(link_action: str, images: list[str]) -> list[str]:
    """The photos to redo; two requests may overlap while building an archive."""
    asked = {"ask for a redo": images[-1:], "ask for redos": [*images[-1:], *images[:1]]}
    return asked.get(link_action, [])


def arrival(world: "World", number: int, window: int) -> int:
    """The arrival time of a visitor, in microseconds after the beginning."""
    return int(world.chance.at(f"visitor {number} arrives") * window)
