"""One order from photo to inbox, on real parts, with nothing left behind but the restored photos."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from domain.model.values import Money
from domain.services.wording import counted, lasting, listed
from entrypoints.bootstrap.books import open_books
from entrypoints.cli.board import Board, PhotoLine
from entrypoints.cli.customer import Customer, Json, RefusedPhotoError
from entrypoints.cli.ending import ending_in_order
from entrypoints.cli.keeping import folder_for, require_writable, save
from entrypoints.cli.local import LocalShop
from entrypoints.cli.orders import show_history
from entrypoints.cli.screen import screen
from entrypoints.failures import CommandFailedError
from sandbox import samples

RESTORED = Path("restored")

#: An order on which nothing happens for so long is stuck.
PATIENCE_SECONDS = 60.0

#: How often the customer looks at the order; an event should be seen while it is news.
LOOK_SECONDS = 0.05


class UnusablePathError(CommandFailedError):
    """Some of the paths are no files that can be read; ``reasons`` has one for each."""

    def __init__(self, reasons: Mapping[Path, str]) -> None:
        self.reasons = reasons
        listed = "\n".join(f"  {_printable(path)}: {reason}" for path, reason in reasons.items())
        super().__init__(f"These are no photos that can be sent; nothing was started:\n{listed}")


class NoPhotoTakenError(CommandFailedError):
    """The shop took none of the photos."""

    def __init__(self, refused: Sequence[str]) -> None:
        self.refused = refused
        super().__init__(
            "\n".join(["The shop took none of these photos:", *(f"  {each}" for each in refused)])
        )


class StuckOrderError(CommandFailedError):
    """The customer's patience is over."""

    def __init__(self, awaited: str) -> None:
        self.awaited = awaited
        super().__init__(
            f"Nothing has happened for {PATIENCE_SECONDS:g} s while {awaited}: the order is stuck."
        )


class UndeliveredError(CommandFailedError):
    """Not every photo of the visitor came back restored; why not stands on the screen already."""

    def __init__(self, *, delivered: int, refused: int, lost: int) -> None:
        self.delivered = delivered
        self.refused = refused
        self.lost = lost
        fates = [f"{refused} refused"] * bool(refused) + [f"{lost} not restorable"] * bool(lost)
        total = delivered + refused + lost
        super().__init__(
            f"{delivered} of {counted(total, 'photo')} delivered, {listed(fates)}: the reasons stand above."
        )


def run(photos: Sequence[Path]) -> None:
    """Take the photos, or the samples, through one order; raises CommandFailedError unless all are delivered."""
    chosen = list(photos) or samples.photos()
    unusable = {path: reason for path in chosen if (reason := _trouble_with(path))}
    if unusable:
        raise UnusablePathError(unusable)
    require_writable(RESTORED)
    console = screen()
    began = time.monotonic()
    with ending_in_order(), TemporaryDirectory(prefix="restoreclick-demo-") as data_dir:
        console.print(
            "Opening a shop on this machine: PostgreSQL, Valkey, S3, three twins, the API and a worker ..."
        )
        with LocalShop(Path(data_dir)) as shop:
            opened = time.monotonic()
            console.print(f"It is open after {_lasted(began, opened)}.\n")
            with Customer(shop.url, shop.addresses["sendgrid"]) as customer:
                visit = _Visit(shop=shop, customer=customer, console=console)
                visit.order(chosen)
            console.print(f"From the first photo to the saved files it took {_lasted(opened)}.\n")
            with open_books(shop.database) as books:
                show_history(books, visit.order_id, as_json=False)
    console.print(f"\nAll in all {_lasted(began)}. The shop is closed; nothing of it is running any more.")
    visit.require_all_delivered()


@dataclass(kw_only=True)
class _Visit:
    """What the customer does, one step after the other, while somebody watches."""

    shop: LocalShop
    customer: Customer
    console: Console
    order_id: str = ""
    refused: list[str] = field(default_factory=list)
    taken: list[PhotoLine] = field(default_factory=list)
    seen: Json = field(default_factory=dict)

    def order(self, photos: Sequence[Path]) -> None:
        """The whole way, from the photos to the saved files."""
        board = Board(self.console)
        with board:
            self._upload(photos, board)
            self._pay(board)
            self._follow(board)
        self._save(self._read_mails(board), board)

    def require_all_delivered(self) -> None:
        """Raise UndeliveredError unless each photo came back."""
        delivered = sum(photo["state"] == "restored" for photo in self.seen["photos"])
        lost = len(self.taken) - delivered
        if self.refused or lost:
            raise UndeliveredError(delivered=delivered, refused=len(self.refused), lost=lost)

    def _upload(self, photos: Sequence[Path], board: Board) -> None:
        self.customer.open_session()
        lines = [board.photo(_shown(photo)) for photo in photos]
        for photo, line in zip(photos, lines, strict=True):
            try:
                self.customer.send(photo, _shown(photo))
            except RefusedPhotoError as refusal:
                line.show("refused")
                board.say(f"  {refusal}", "yellow")
                self.refused.append(f"{line.name}: {refusal}")
            else:
                line.show("uploaded")
                self.taken.append(line)
        if not self.taken:
            raise NoPhotoTakenError(self.refused)

    def _pay(self, board: Board) -> None:
        checkout = self.customer.ask_for_checkout()
        price = Money(amount=checkout["amount"], currency=checkout["currency"])
        board.say(f"The price is {price}; paying on {checkout['url']}")
        self.customer.pay(checkout["url"])
        self._await(lambda: bool(self.customer.order_id()), "the shop waits to hear of the payment")
        self.order_id = self.customer.order_id() or ""

    def _follow(self, board: Board) -> None:
        """Look at the order until nothing is left to do for it but what the customer does."""

        def is_finished() -> bool:
            self._look(board)
            if self.seen["is_held"]:
                raise CommandFailedError(f"The order is on hold. {self.seen['sentence']}")
            are_sent = all(mail["status"] == "sent" for mail in self.seen["emails"])
            return self.seen["state"] in {"completed", "refunded"} and are_sent

        self._await(is_finished, "the order is being worked on")

    def _look(self, board: Board) -> None:
        known = self.seen.get("version", 0)
        self.seen = self.customer.order(self.order_id)
        names = {photo["image_id"]: photo["file_name"] for photo in self.seen["photos"]}
        for event in self.seen["history"][known:]:
            about = names.get(event["image_id"]) or event["email_kind"]
            board.event(event["name"], datetime.fromisoformat(event["recorded_at"]), about)
        for line, photo in zip(self.taken, self.seen["photos"], strict=True):
            line.show(photo["state"])

    def _read_mails(self, board: Board) -> list[Json]:
        owed = len(self.seen["emails"])
        self._await(lambda: len(self.customer.mails()) >= owed, "the mails are on their way")
        mails = self.customer.mails()
        for mail in mails:
            attached = [attachment["filename"] for attachment in mail["attachments"]]
            board.mail(mail["to"][0]["email"], mail["subject"], mail["text"], attached)
        return mails

    def _save(self, mails: Sequence[Json], board: Board) -> None:
        link = next(filter(None, map(self.customer.link_in, mails)), None)
        if link is None:
            board.say("No mail holds a download link: nothing could be restored, so the money went back.")
            return
        number = str(self.seen["number"])
        folder = folder_for(number, RESTORED)
        with self.customer.following(link) as archive:
            pictures = save(archive, f"restored-photos-{number}.zip", folder)
        self._await(lambda: self._was_downloaded(board), "the shop notes the download")
        board.say(f"Saved in {folder}/: the archive, and {counted(len(pictures), 'restored photo')}:", "bold")
        for picture in pictures:
            board.say(f"  {picture}")

    def _was_downloaded(self, board: Board) -> bool:
        self._look(board)
        return any(event["name"] == "ResultDownloaded" for event in self.seen["history"])

    def _await(self, fact: Callable[[], bool], awaited: str) -> None:
        """Look until a fact holds; raises CommandFailedError when the shop breaks or nothing changes for too long."""
        changed_at, version = time.monotonic(), self.seen.get("version")
        while not fact():
            self.shop.check()
            if self.seen.get("version") != version:
                changed_at, version = time.monotonic(), self.seen.get("version")
            if time.monotonic() - changed_at > PATIENCE_SECONDS:
                raise StuckOrderError(awaited)
            time.sleep(LOOK_SECONDS)


def _trouble_with(path: Path) -> str | None:
    """Why a file cannot be read; none if it can."""
    try:
        if not path.is_dir() and not path.is_file() and path.exists():
            return "it is no file"  # opening a pipe would wait for whoever writes into it
        with path.open("rb"):
            pass
    except OSError as error:
        return error.strerror or type(error).__name__
    return None


def _shown(path: Path) -> str:
    """A file's name as it can be printed and sent, whatever bytes it is made of."""
    return _printable(path.name or path)


def _printable(path: Path | str) -> str:
    return str(path).encode(errors="replace").decode()


def _lasted(began: float, ended: float | None = None) -> str:
    return lasting(timedelta(seconds=(ended or time.monotonic()) - began))
