"""One visit to the shop, from the photos to the saved files."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sandbox.demo.errors import DemoError
from sandbox.demo.http_customer import Customer, Json, RefusedPhotoError
from sandbox.demo.local_shop import LocalShop
from sandbox.demo.progress_display import PhotoLine, ProgressDisplay
from sandbox.demo.save_results import folder_for, save
from sandbox.demo.wording import money

RESTORED = Path("restored")

#: The states in which nothing is left to do for the shop.
ENDED = frozenset({"completed", "refunded"})

#: An order on which nothing happens for so long is stuck.
PATIENCE_SECONDS = 60.0

#: How often the customer looks at the order; an event should be seen while it is news.
LOOK_SECONDS = 0.05


class NoPhotoTakenError(DemoError):
    """The shop took none of the photos."""

    def __init__(self, refused: Sequence[str]) -> None:
        self.refused = refused
        super().__init__(
            "\n".join(["The shop took none of these photos:", *(f"  {each}" for each in refused)])
        )


class StuckOrderError(DemoError):
    """The customer's patience is over."""

    def __init__(self, awaited: str) -> None:
        self.awaited = awaited
        super().__init__(
            f"Nothing has happened for {PATIENCE_SECONDS:g} s while {awaited}: the order is stuck."
        )


class Narrator(Protocol):
    """Prints what became of the order since the last poll."""

    def hear(self, order: Json, known: int) -> None:
        """Print what is new in the order; ``known`` is its version before."""


@dataclass(kw_only=True)
class CustomerJourney:
    """What the customer does, one step after the other."""

    shop: LocalShop
    customer: Customer
    board: ProgressDisplay
    narrator: Narrator
    order_id: str = ""
    refused: list[str] = field(default_factory=list)
    taken: list[PhotoLine] = field(default_factory=list)
    seen: Json = field(default_factory=dict)

    def order(self, photos: Sequence[Path]) -> None:
        """Upload, pay, and poll until the shop has nothing left to do."""
        self._upload(photos)
        self._pay()
        self._await(self._has_ended, "the order is being worked on")

    def mails(self) -> list[Json]:
        """Every mail that the order owes, oldest first, once all have arrived."""
        owed = len(self.seen["emails"])
        self._await(lambda: len(self.customer.mails()) >= owed, "the mails are on their way")
        return self.customer.mails()

    def save(self, link: str) -> list[Path]:
        """Fetch and save the archive; the paths of its pictures."""
        number = str(self.seen["number"])
        folder = folder_for(number, RESTORED)
        with self.customer.fetching(link) as archive:
            pictures = save(archive, f"restored-photos-{number}.zip", folder)
        self._await(self._was_sent, "the shop records that the archive was sent")
        return pictures

    def _upload(self, photos: Sequence[Path]) -> None:
        self.customer.open_session()
        lines = [self.board.photo(_shown(photo)) for photo in photos]
        for photo, line in zip(photos, lines, strict=True):
            try:
                is_new = self.customer.send(photo, _shown(photo))
            except RefusedPhotoError as refusal:
                line.show("refused")
                self.board.say(f"  {refusal}", "yellow")
                self.refused.append(f"{line.name}: {refusal}")
            else:
                line.show("uploaded" if is_new else "sent twice")
                if is_new:
                    self.taken.append(line)
        if not self.taken:
            raise NoPhotoTakenError(self.refused)

    def _pay(self) -> None:
        checkout = self.customer.ask_for_checkout()
        price = money(checkout["amount"], checkout["currency"])
        self.board.say(f"The price is {price}; paying on {checkout['url']}")
        self.customer.pay(checkout["url"])
        self._await(lambda: bool(self.customer.order_id()), "the shop waits to hear of the payment")
        self.order_id = self.customer.order_id() or ""

    def _has_ended(self) -> bool:
        self._look()
        if self.seen["is_held"]:
            raise DemoError(f"The order is on hold. {self.seen['sentence']}")
        are_sent = all(mail["status"] == "sent" for mail in self.seen["emails"])
        return self.seen["state"] in ENDED and are_sent

    def _was_sent(self) -> bool:
        self._look()
        return any(event["name"] == "ResultServed" for event in self.seen["history"])

    def _look(self) -> None:
        known = self.seen.get("version", 0)
        self.seen = self.customer.order(self.order_id)
        self.narrator.hear(self.seen, known)
        for line, photo in zip(self.taken, self.seen["photos"], strict=True):
            line.show(photo["state"])

    def _await(self, fact: Callable[[], bool], awaited: str) -> None:
        """Poll until a fact holds.

        Raises DemoError when the shop breaks, StuckOrderError when nothing changes for PATIENCE_SECONDS.
        """
        changed_at, version = time.monotonic(), self.seen.get("version")
        while not fact():
            self.shop.check()
            if self.seen.get("version") != version:
                changed_at, version = time.monotonic(), self.seen.get("version")
            if time.monotonic() - changed_at > PATIENCE_SECONDS:
                raise StuckOrderError(awaited)
            time.sleep(LOOK_SECONDS)


def printable(path: Path | str) -> str:
    """A path as text, with bytes that cannot be decoded replaced."""
    return str(path).encode(errors="replace").decode()


def _shown(path: Path) -> str:
    return printable(path.name or path)
