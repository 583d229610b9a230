"""The end of an order with faults: files, money, mail and log."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from sandbox.demo.customer_journey import CustomerJourney
from sandbox.demo.errors import DemoError
from sandbox.demo.http_customer import Json
from sandbox.demo.provider_faults import TwinControl
from sandbox.demo.shop_command import output_of, show
from sandbox.demo.wording import listed, major, money, size_text

#: The comparison at the end covers the whole life of a shop that is some seconds old.
RECONCILE = ("reconcile", "--since", "1h")

_MAILS = ["confirmation", "partial_result"]


class WrongEndError(DemoError):
    """The order did not come to the end that was promised."""

    def __init__(self, wrong: str) -> None:
        self.wrong = wrong
        super().__init__(f"The order did not end as it should: {wrong}.")


@dataclass(frozen=True, kw_only=True)
class FinalReport:
    """Shows the end of a visit, and checks what it shows."""

    visit: CustomerJourney
    twin_control: TwinControl
    console: Console

    def show(self, photos: Sequence[Path]) -> None:
        """Show all of it; raises WrongEndError for the first broken promise."""
        mail = self._result_mail()
        link = self.visit.customer.link_in(mail)
        if link is None:
            raise WrongEndError("the mail holds no link")
        pictures = self.visit.save(link)
        order = self._order()
        self._chapter("What was delivered")
        self._show_photos(order, photos, pictures)
        self._chapter("What was refunded, on Stripe's ledger")
        self._show_money(order)
        self._chapter("What the customer read about it, in one mail")
        self.visit.board.mail(mail, is_whole=True)
        self._chapter("What is on record")
        if not show(self._environment, "events", "verify"):
            raise WrongEndError("the log cannot be verified")
        self._chapter(f"restoreclick {' '.join(RECONCILE)}")
        # Everything is compared, however young it is.
        if not show({**self._environment, "RECONCILE_GRACE_SECONDS": "0"}, *RECONCILE):
            raise WrongEndError("log and providers disagree")
        self._say(f"\n{order['summary']}")

    @property
    def _environment(self) -> dict[str, str]:
        return self.visit.shop.environment

    def _result_mail(self) -> Json:
        """The mail with the result: the only one after the confirmation."""
        mails, recorded = self.visit.mails(), self.visit.seen["emails"]
        kinds = [mail["kind"] for mail in recorded]
        if kinds != _MAILS or any(mail["status"] != "sent" for mail in recorded):
            raise WrongEndError(f"the mails on record are {listed(kinds)}")
        if len(mails) != len(kinds):
            raise WrongEndError(f"{len(mails)} mails came to the customer, where {len(kinds)} are on record")
        return mails[-1]

    def _show_photos(self, order: Json, photos: Sequence[Path], saved: Sequence[Path]) -> None:
        """Save each original beside its result, and compare that with the log."""
        recorded, pictures = self._restored_hashes(), iter(saved)
        for path, photo in zip(photos, order["photos"], strict=True):
            name = f"Photo {photo['number']}, {path.name}"
            if photo["image_id"] not in recorded:
                share = money(photo["share"], order["money"]["currency"])
                self._say(f"{name}: not restored, so its {share} are refunded")
                continue
            after = next(pictures)
            before = Path(shutil.copyfile(path, after.with_name(path.name)))
            if hashlib.sha256(after.read_bytes()).hexdigest() != recorded[photo["image_id"]]:
                raise WrongEndError(f"{after} is not what is on record")
            self._say(f"{name}: restored, with the SHA-256 on record")
            self._say(f"  before: {before} ({_size(before)})")
            self._say(f"  after:  {after} ({_size(after)})")

    def _show_money(self, order: Json) -> None:
        """Compute the refund that is due, and require it on Stripe's ledger."""
        ledger, currency = self.twin_control.ledger("stripe"), order["money"]["currency"]
        refunds = ledger.get("refund", [])
        paid = sum(intent["amount_received"] for intent in ledger["payment_intent"])
        back = sum(refund["amount"] for refund in refunds)
        failed = [photo for photo in order["photos"] if photo["failure"] is not None]
        owed = sum(photo["share"] for photo in failed)
        shares = " + ".join(major(photo["share"]) for photo in order["photos"])
        numbers = listed([str(photo["number"]) for photo in failed])
        self._say(f"{money(paid, currency)} were paid: {shares}, a share for each photo.")
        self._say(f"{money(owed, currency)} had to be refunded: the share of photo {numbers}.")
        for refund in refunds:
            amount = money(refund["amount"], currency)
            self._say(f"{amount} was refunded, once ({refund['id']}, {refund['status']}).")
        kept = money(paid - back, currency)
        self._say(f"{major(paid)} - {major(back)} = {kept} stay for what was delivered.")
        if len(refunds) != 1 or back != owed or paid != order["money"]["paid"]:
            raise WrongEndError(
                f"{money(back, currency)} was refunded where {money(owed, currency)} were owed"
            )

    def _order(self) -> Json:
        found: Json = json.loads(
            output_of(self._environment, "orders", "show", self.visit.order_id, "--json")
        )
        return found

    def _restored_hashes(self) -> dict[str, Any]:
        """The recorded SHA-256 of each restored image, by image id."""
        printed = output_of(self._environment, "orders", "history", self.visit.order_id, "--json")
        recorded = [json.loads(line) for line in printed.splitlines()]
        return {
            each["event"]["image_id"]: each["event"]["restored"]["sha256"]
            for each in recorded
            if each["type"] == "RestorationCompleted"
        }

    def _chapter(self, title: str) -> None:
        self.console.print(f"\n[bold]{title}[/bold]")

    def _say(self, sentence: str) -> None:
        self.visit.board.say(sentence)


def _size(path: Path) -> str:
    return size_text(path.stat().st_size)
