"""What a troubled order came to: files, money, mail, log and books, each looked up where it is true."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import click
from rich.console import Console

from domain.order.order import EmailStatus, Order
from domain.order.values import EmailKind, Money, OrderId
from domain.ports.unit_of_work import UnitOfWork
from domain.use_cases.wording.labels import listed, size_text
from domain.use_cases.wording.status_text import number_of, status_of
from entrypoints.cli.commands.verify_log import verify_log
from entrypoints.cli.demo.customer_journey import CustomerJourney
from entrypoints.cli.demo.http_customer import Json
from entrypoints.cli.demo.provider_faults import TwinControl
from entrypoints.command_errors import CommandFailedError

#: What the command at the end compares: all there is of a shop that has lived for some seconds.
RECONCILE = ("reconcile", "--since", "1h")


class WrongEndError(CommandFailedError):
    """The order did not come to the end that was promised."""

    def __init__(self, wrong: str) -> None:
        self.wrong = wrong
        super().__init__(f"The order did not end as it should: {wrong}.")


@dataclass(frozen=True, kw_only=True)
class FinalReport:
    """Shows the end of a visit, and checks what it shows."""

    visit: CustomerJourney
    unit_of_work: UnitOfWork
    backstage: TwinControl
    console: Console

    def show(self, photos: Sequence[Path]) -> None:
        """Show all of it; raises CommandFailedError for the first thing that is not as promised."""
        mail = self._the_one_mail()
        link = self.visit.customer.link_in(mail)
        if link is None:
            raise WrongEndError("the mail holds no link")
        pictures = self.visit.save(link)
        self._chapter("What was delivered")
        self._show_photos(photos, pictures)
        self._chapter("What went back, on Stripe's ledger")
        self._show_money(self._order())
        self._chapter("What the customer read about it, in one mail")
        self.visit.board.mail(mail, is_whole=True)
        self._chapter("What is on record")
        verify_log(self.unit_of_work, None, as_json=False)
        self._chapter(f"restoreclick {' '.join(RECONCILE)}")
        self._reconcile()
        self._say(f"\n{status_of(self._order())}")

    def _the_one_mail(self) -> Json:
        """The mail with the result: after the confirmation there is this one, and no other."""
        mails, kinds = self.visit.mails(), [mail.kind for mail in self._order().emails.values()]
        are_sent = all(mail.status is EmailStatus.SENT for mail in self._order().emails.values())
        if kinds != [EmailKind.CONFIRMATION, EmailKind.PARTIAL_RESULT] or not are_sent:
            raise WrongEndError(f"the mails on record are {listed(kinds)}")
        if len(mails) != len(kinds):
            raise WrongEndError(f"{len(mails)} mails came to the customer, where {len(kinds)} are on record")
        return mails[-1]

    def _show_photos(self, photos: Sequence[Path], saved: Sequence[Path]) -> None:
        """Put each photo that came back beside what was sent, and compare it with the log."""
        order, pictures = self._order(), iter(saved)
        for photo, image in zip(photos, order.images.values(), strict=True):
            name = f"Photo {number_of(order, image.image_id)}, {photo.name}"
            if image.restored is None:
                self._say(f"{name}: not restored, so its {image.share} go back")
                continue
            after = next(pictures)
            before = Path(shutil.copyfile(photo, after.with_name(photo.name)))
            if hashlib.sha256(after.read_bytes()).hexdigest() != image.restored.sha256:
                raise WrongEndError(f"{after} is not what is on record")
            self._say(f"{name}: restored, with the SHA-256 on record")
            self._say(f"  before: {before} ({_size(before)})")
            self._say(f"  after:  {after} ({_size(after)})")

    def _show_money(self, order: Order) -> None:
        """Work out what had to go back, and find exactly that on Stripe's ledger."""
        ledger = self.backstage.ledger("stripe")
        paid = _sum(order, [intent["amount_received"] for intent in ledger["payment_intent"]])
        back = _sum(order, [refund["amount"] for refund in ledger.get("refund", [])])
        failed = order.failed_images
        owed = _sum(order, [image.share.amount for image in failed])
        shares = " + ".join(str(image.share.major) for image in order.images.values())
        numbers = listed([str(number_of(order, image.image_id)) for image in failed])
        self._say(f"{paid} were paid: {shares}, a share for each photo.")
        self._say(f"{owed} had to go back: the share of photo {numbers}.")
        for refund in ledger.get("refund", []):
            money = _sum(order, [refund["amount"]])
            self._say(f"{money} went back, once ({refund['id']}, {refund['status']}).")
        self._say(f"{paid.major} - {back.major} = {paid - back} stay for what was delivered.")
        if len(ledger.get("refund", [])) != 1 or back != owed or paid.amount != order.paid_amount:
            raise WrongEndError(f"{back} went back where {owed} were owed")

    def _reconcile(self) -> None:
        """Run the command as an operator would, on all that there is however young it is."""
        sys.stdout.flush()
        environment = {**self.visit.shop.environment, "RECONCILE_GRACE_SECONDS": "0"}
        command = [sys.executable, "-m", "entrypoints.cli", *RECONCILE]
        if subprocess.run(command, env=environment, check=False).returncode:  # noqa: S603 -- our own command
            raise WrongEndError("the books do not agree")

    def _order(self) -> Order:
        with self.unit_of_work.transaction() as transaction:
            return transaction.event_store.load(OrderId(UUID(self.visit.order_id)))

    def _chapter(self, title: str) -> None:
        self.console.print(f"\n[bold]{title}[/bold]")

    def _say(self, sentence: str) -> None:
        click.echo(sentence)


def _sum(order: Order, amounts: Sequence[int]) -> Money:
    currency = order.payment.paid.currency if order.payment else ""
    return Money(amount=sum(amounts), currency=currency)


def _size(path: Path) -> str:
    return size_text(path.stat().st_size)
