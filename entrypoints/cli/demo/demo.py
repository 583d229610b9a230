"""One order from photo to inbox, on real parts, with nothing left behind but the restored photos."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from domain.use_cases.wording.labels import counted, duration_text, listed
from entrypoints.bootstrap.database import open_unit_of_work
from entrypoints.cli.commands.order_views import show_history
from entrypoints.cli.demo.customer_journey import RESTORED, CustomerJourney, printable
from entrypoints.cli.demo.http_customer import Customer, Json
from entrypoints.cli.demo.local_shop import LocalShop
from entrypoints.cli.demo.progress_display import ProgressDisplay
from entrypoints.cli.demo.save_results import require_writable
from entrypoints.cli.support.console import screen
from entrypoints.cli.support.signal_handling import ending_in_order
from entrypoints.command_errors import CommandFailedError
from sandbox import samples


class UnusablePathError(CommandFailedError):
    """Some of the paths are no files that can be read; ``reasons`` has one for each."""

    def __init__(self, reasons: Mapping[Path, str]) -> None:
        self.reasons = reasons
        listed = "\n".join(f"  {printable(path)}: {reason}" for path, reason in reasons.items())
        super().__init__(f"These are no photos that can be sent; nothing was started:\n{listed}")


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
            board = ProgressDisplay(console)
            with Customer(shop.url, shop.addresses["sendgrid"]) as customer:
                visit = CustomerJourney(
                    shop=shop, customer=customer, board=board, narrator=_EventNames(board)
                )
                with board:
                    visit.order(chosen)
                _take_home(visit)
            console.print(f"From the first photo to the saved files it took {_lasted(opened)}.\n")
            with open_unit_of_work(shop.database) as unit_of_work:
                show_history(unit_of_work, visit.order_id, as_json=False)
    console.print(f"\nAll in all {_lasted(began)}. The shop is closed; nothing of it is running any more.")
    _require_all_delivered(visit)


@dataclass(frozen=True)
class _EventNames:
    """Names each event as it happens."""

    board: ProgressDisplay

    def hear(self, order: Json, known: int) -> None:
        """Print what is new, and which photo or mail it is about."""
        names = {photo["image_id"]: photo["file_name"] for photo in order["photos"]}
        for event in order["history"][known:]:
            about = names.get(event["image_id"]) or event["email_kind"]
            self.board.event(event["name"], datetime.fromisoformat(event["recorded_at"]), about)


def _take_home(visit: CustomerJourney) -> None:
    """Read the mails, and save what their link leads to, if there is one."""
    mails, board = visit.mails(), visit.board
    for mail in mails:
        board.mail(mail)
    link = next(filter(None, map(visit.customer.link_in, mails)), None)
    if link is None:
        board.say("No mail holds a download link: nothing could be restored, so the money went back.")
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
            return "it is no file"  # opening a pipe would wait for whoever writes into it
        with path.open("rb"):
            pass
    except OSError as error:
        return error.strerror or type(error).__name__
    return None


def _lasted(began: float, ended: float | None = None) -> str:
    return duration_text(timedelta(seconds=(ended or time.monotonic()) - began))
