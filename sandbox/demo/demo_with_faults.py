"""The demo with a refused photo, provider outages and a lost webhook."""

import textwrap
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

from sandbox import samples
from sandbox.demo.browser_addresses import show_in_browser
from sandbox.demo.customer_journey import ENDED, RESTORED, CustomerJourney
from sandbox.demo.errors import DemoError
from sandbox.demo.final_report import FinalReport
from sandbox.demo.http_customer import Customer, Json
from sandbox.demo.local_shop import LocalShop
from sandbox.demo.progress_display import ProgressDisplay, parts_announced, screen
from sandbox.demo.provider_faults import FaultPlan, TwinControl
from sandbox.demo.save_results import require_writable
from sandbox.demo.shop_command import output_of
from sandbox.demo.wording import duration_text
from sandbox.signal_handling import ending_in_order

#: Events come in bursts, and the history takes a process of its own to print.
SETTLE_SECONDS = 0.5

#: How `restoreclick orders history` sets its lines: the whole width, and what the times take of it.
WIDTH, MARGIN = 100, 24

#: Its title, the remark on names, an empty line and the day come before the first event.
_HEADING_LINES = 4


class AnotherStoryError(DemoError):
    """Some of the planned faults did not strike."""

    def __init__(self, missed: list[str]) -> None:
        self.missed = missed
        super().__init__("\n".join(["This was to happen and did not:", *(f"  {each}" for each in missed)]))


def run() -> None:
    """Take the samples through an order with faults.

    Raises AnotherStoryError if a fault does not strike, WrongEndError if the order ends otherwise than promised.
    """
    require_writable(RESTORED)
    console = screen()
    began = time.monotonic()
    with ending_in_order(), TemporaryDirectory(prefix="restoreclick-demo-") as data_dir:
        console.print("Opening a shop on this machine, with providers that will misbehave. Ready are")
        with LocalShop(Path(data_dir), on_ready=parts_announced(console)) as shop:
            console.print(f"It is open after {_lasted(began)}.\n")
            _run_demo(shop, console)
    console.print(f"\nAll in all {_lasted(began)}. The shop is closed; nothing of it is running any more.")


def _run_demo(shop: LocalShop, console: Console) -> None:
    photos, board = samples.photos(), ProgressDisplay(console)
    with (
        TwinControl(shop.addresses) as twin_control,
        Customer(shop.url, shop.addresses["sendgrid"]) as customer,
    ):
        fault_plan = FaultPlan(twin_control)
        fault_plan.begin()
        narrator = _Chronicle(shop=shop, fault_plan=fault_plan, console=console)
        visit = CustomerJourney(shop=shop, customer=customer, board=board, narrator=narrator)
        with board:
            visit.order(photos)
        if fault_plan.missed:
            raise AnotherStoryError(fault_plan.missed)
        FinalReport(visit=visit, twin_control=twin_control, console=console).show(photos)
        show_in_browser(visit)


@dataclass(kw_only=True)
class _Chronicle:
    """Prints the growing history of the order, with the faults between."""

    shop: LocalShop
    fault_plan: FaultPlan
    console: Console
    printed: int = 0
    struck: list[tuple[str, str]] = field(default_factory=list)
    changed_at: float | None = None

    def hear(self, order: Json, known: int) -> None:
        """Collect what is new; print it when a burst is over."""
        struck = [(f"{datetime.now(UTC):%H:%M:%S}", sentence) for sentence in self.fault_plan.news()]
        self.struck += struck
        if struck or order["version"] != known:
            self.changed_at = time.monotonic()
        if self.changed_at is None:
            return
        if order["state"] in ENDED or time.monotonic() - self.changed_at > SETTLE_SECONDS:
            self._print(order)
            self.changed_at = None

    def _print(self, order: Json) -> None:
        """Print the history's new lines and the faults that struck, by time."""
        lines = self._new_lines(order)
        for at, sentence in self.struck:
            first, *others = textwrap.wrap(sentence, WIDTH - MARGIN, break_on_hyphens=False)
            later = (
                number
                for number, line in enumerate(lines)
                if line.plain[:1].isdigit() and line.plain[:8] > at
            )
            before = next(later, len(lines))
            shown = [at.ljust(MARGIN) + first, *(" " * MARGIN + line for line in others)]
            lines[before:before] = [Text(line, "yellow") for line in shown]
        self.struck.clear()
        for line in lines:
            self.console.print(line, soft_wrap=True)

    def _new_lines(self, order: Json) -> list[Text]:
        """What the history has gained, without its heading and its end."""
        history = output_of(self.shop.environment, "orders", "history", order["order_id"]).splitlines()
        end = len(history) - 1 - history[::-1].index("")
        gained = history[_HEADING_LINES:end][self.printed :]
        self.printed += len(gained)
        return [Text.assemble(line[:8], (line[8:MARGIN], "cyan"), line[MARGIN:]) for line in gained]


def _lasted(began: float) -> str:
    return duration_text(timedelta(seconds=time.monotonic() - began))
