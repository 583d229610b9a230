"""The demo's order, while a photo is refused, providers are away and a webhook is lost."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from rich.console import Console
from rich.text import Text

from domain.order.values import OrderId
from domain.ports.unit_of_work import UnitOfWork
from domain.use_cases.audit.timeline import timeline_of
from domain.use_cases.wording.labels import duration_text
from entrypoints.bootstrap.database import open_unit_of_work
from entrypoints.cli.demo.customer_journey import RESTORED, CustomerJourney
from entrypoints.cli.demo.final_report import FinalReport
from entrypoints.cli.demo.http_customer import Customer, Json
from entrypoints.cli.demo.local_shop import LocalShop
from entrypoints.cli.demo.progress_display import ProgressDisplay
from entrypoints.cli.demo.provider_faults import FaultPlan, TwinControl
from entrypoints.cli.demo.save_results import require_writable
from entrypoints.cli.support.console import screen
from entrypoints.cli.support.signal_handling import ending_in_order
from entrypoints.cli.support.timeline_printing import MARGIN, print_beside, print_entry
from entrypoints.command_errors import CommandFailedError
from sandbox import samples


class AnotherStoryError(CommandFailedError):
    """Not everything went wrong that was to go wrong, so what was shown proves less than it should."""

    def __init__(self, missed: list[str]) -> None:
        self.missed = missed
        super().__init__("\n".join(["This was to happen and did not:", *(f"  {each}" for each in missed)]))


def run() -> None:
    """Take the samples through an order full of trouble; raises CommandFailedError unless it ends as it should."""
    require_writable(RESTORED)
    console = screen()
    began = time.monotonic()
    with ending_in_order(), TemporaryDirectory(prefix="restoreclick-demo-") as data_dir:
        console.print("Opening a shop on this machine, with providers that will misbehave ...")
        with LocalShop(Path(data_dir)) as shop, open_unit_of_work(shop.database) as unit_of_work:
            console.print(f"It is open after {_lasted(began)}.\n")
            _tell_the_story(shop, unit_of_work, console)
    console.print(f"\nAll in all {_lasted(began)}. The shop is closed; nothing of it is running any more.")


def _tell_the_story(shop: LocalShop, unit_of_work: UnitOfWork, console: Console) -> None:
    photos, board = samples.photos(), ProgressDisplay(console)
    with (
        TwinControl(shop.addresses) as backstage,
        Customer(shop.url, shop.addresses["sendgrid"]) as customer,
    ):
        plot = FaultPlan(backstage)
        plot.begin()
        narrator = _Chronicle(unit_of_work=unit_of_work, plot=plot, console=console)
        visit = CustomerJourney(shop=shop, customer=customer, board=board, narrator=narrator)
        with board:
            visit.order(photos)
        if plot.missed:
            raise AnotherStoryError(plot.missed)
        FinalReport(visit=visit, unit_of_work=unit_of_work, backstage=backstage, console=console).show(photos)


@dataclass(kw_only=True)
class _Chronicle:
    """Tells the order's story while it happens, and between its lines what goes wrong."""

    unit_of_work: UnitOfWork
    plot: FaultPlan
    console: Console
    told: int = 0

    def hear(self, order: Json, known: int) -> None:
        """Print what struck since the last look, and the story's new passages."""
        for trouble in self.plot.news():
            margin = Text(f"{datetime.now(UTC):%H:%M:%S}".ljust(MARGIN))
            print_beside(self.console, margin, trouble, "yellow")
        if order["version"] == known:
            return
        with self.unit_of_work.transaction() as transaction:
            timeline = timeline_of(transaction.event_store.history(OrderId(UUID(order["order_id"]))))
        for entry in timeline.entries[self.told :]:
            print_entry(self.console, entry)
        self.told = len(timeline.entries)


def _lasted(began: float) -> str:
    return duration_text(timedelta(seconds=time.monotonic() - began))
