"""One order from photo to inbox, on real servers."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sandbox import samples
from sandbox.demo.browser_addresses import show_in_browser
from sandbox.demo.customer_journey import RESTORED, CustomerJourney, printable
from sandbox.demo.errors import DemoError
from sandbox.demo.http_customer import Customer, Json
from sandbox.demo.local_shop import LocalShop
from sandbox.demo.progress_display import ProgressDisplay, parts_announced, screen
from sandbox.demo.save_results import require_writable
from sandbox.demo.shop_command import show
from sandbox.demo.wording import counted, duration_text, listed
from sandbox.signal_handling import ending_in_order


class UnusablePathError(DemoError):
    """Some paths are not readable files; ``reasons`` has one for each."""

    def __init__(self, reasons: Mapping[Path, str]) -> None:
        self.reasons = reasons
        listed = "\n".join(f"  {printable(path)}: {reason}" for path, reason in reasons.items())
        super().__init__(f"These are no photos that can be sent; nothing was started:\n{listed}")


class UndeliveredError(DemoError):
    """Not every photo was restored; the reasons were printed before."""

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
    """Take the photos, or the samples, through one order.

    Raises UndeliveredError unless each photo is delivered.
    """
    chosen = list(photos) or samples.photos()
    unusable = {path: reason for path in chosen if (reason := _trouble_with(path))}
    if unusable:
        raise UnusablePathError(unusable)
    require_writable(RESTORED)
    console = screen()
    began = time.monotonic()
    with ending_in_order(), TemporaryDirectory(prefix="restoreclick-demo-") as data_dir:
        console.print(
            "Opening a shop on this machine: PostgreSQL, Valkey, S3, three twins, the API and a worker. Ready are"
        )
        with LocalShop(Path(data_dir), on_ready=parts_announced(console)) as shop:
            opened = time.monotonic()
            console.print(f"It is open after {_lasted(began, opened)}.\n")
            board = ProgressDisplay(console)
            with Customer(shop.url, shop.addresses["sendgrid"]) as customer:
                visit = CustomerJourney(
                    shop=shop, customer=customer, board=board, narrator=_EventNames(board)
                )
                with board:
                    visit.order(chosen)
                _take_home(visit)
                console.print(f"From the first photo to the saved files it took {_lasted(opened)}.\n")
                show(shop.environment, "orders", "history", visit.order_id)
                show_in_browser(visit)
    console.print(f"\nAll in all {_lasted(began)}. The shop is closed; nothing of it is running any more.")
    _require_all_delivered(visit)


@dataclass(frozen=True)
class _EventNames:
    board: ProgressDisplay

    def hear(self, order: Json, known: int) -> None:
        """Print what is new, and which photo or mail it is about."""
        names = {photo["image_id"]: photo["file_name"] for photo in order["photos"]}
        for event in order["history"][known:]:
            about = names.get(event["image_id"]) or event["email_kind"]
            self.board.event(event["name"], datetime.fromisoformat(event["recorded_at"]), about)


def _take_home(visit: CustomerJourney) -> None:
    """Print the mails, and save the archive behind their link, if any."""
    mails, board = visit.mails(), visit.board
    for mail in mails:
        board.mail(mail)
    link = next(filter(None, map(visit.customer.link_in, mails)), None)
    if link is None:
        board.say("No mail holds a download link: nothing could be restored, so the payment was refunded.")
        return
    pictures = visit.save(link)
    saved = counted(len(pictures), "restored photo")
    board.say(f"Saved in {pictures[0].parent}/: the archive, and {saved}:", "bold")
    for picture in pictures:
        board.say(f"  {picture}")


def _require_all_delivered(visit: CustomerJourney) -> None:
    """Raise UndeliveredError unless each photo came back."""
    delivered = sum(photo["state"] == "restored" for photo in visit.seen["photos"])
    lost = len(visit.taken) - delivered
    if visit.refused or lost:
        raise UndeliveredError(delivered=delivered, refused=len(visit.refused), lost=lost)


def _trouble_with(path: Path) -> str | None:
    """Why a file cannot be read; none if it can."""
    try:
        if not path.is_dir() and not path.is_file() and path.exists():
            return "it is no file"  # opening a pipe would wait for its writer
        with path.open("rb"):
            pass
    except OSError as error:
        return error.strerror or type(error).__name__
    return None


def _lasted(began: float, ended: float | None = None) -> str:
    return duration_text(timedelta(seconds=(ended or time.monotonic()) - began))
