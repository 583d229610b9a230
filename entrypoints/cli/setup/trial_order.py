"""One real order for the smallest amount, with its refund."""

import os
import sys
import time
from collections.abc import Callable
from importlib.resources import as_file, files
from typing import TypeVar

import click
from rich.console import Console
from rich.text import Text

from domain.order.order import Order
from domain.order.states import TERMINAL, State
from domain.order.values import OrderId, UploadSessionId
from domain.ports.upload_sessions import UploadStatus
from domain.use_cases.checkout.uploads import UploadService
from domain.use_cases.queries import Queries
from domain.use_cases.support.staff_actions import StaffActions
from domain.use_cases.support.staff_requests import StaffRequest
from entrypoints.bootstrap.adapters import open_container
from entrypoints.bootstrap.wording import status_of
from entrypoints.cli.support.actor_options import person
from entrypoints.command_errors import CommandFailedError
from entrypoints.settings import Settings

T = TypeVar("T")

#: How long the operator may take to pay, and the shop to deliver or refund.
PAYMENT_SECONDS, DELIVERY_SECONDS, REFUND_SECONDS = 1800.0, 1800.0, 300.0
LOOK_SECONDS = 1.0

REASON = "the trial order of restoreclick setup"
_SAMPLE = "eileen-before-her-flight-before.jpg"


class TrialUnfinishedError(CommandFailedError):
    """What the trial order waits for did not come."""

    def __init__(self, awaited: str) -> None:
        self.awaited = awaited
        super().__init__(f"{awaited} did not come in time: `restoreclick doctor` says what is wrong.")


def run_trial_order(console: Console, settings: Settings, agrees: Callable[[str], bool]) -> None:
    """Sell one photo for the smallest amount; follow and refund it.

    The running API and worker do all the work. Raises TrialUnfinishedError.
    """
    price = settings.model_copy(update={"price_per_photo": ((1, settings.smallest_payment),)})
    with open_container(price) as shop:
        session_id = _with_a_photo(shop.upload_service)
        checkout = shop.checkout_service.open(session_id, email=None)
        if checkout.url is None:
            raise AssertionError("A checkout that is opened has a page.")
        console.print(f"\nPay {checkout.quoted} on this page:\n  {checkout.url}", soft_wrap=True)
        if _has_a_browser():
            click.launch(checkout.url)
        with console.status("Waiting for the payment ..."):
            _wait(lambda: _is_paid(shop.upload_service, session_id), PAYMENT_SECONDS, "The payment")
        order_id = shop.upload_service.find(session_id).order_id
        order = _follow(console, shop.queries, order_id)
        if agrees("Refund it now?"):
            _refund(console, shop.queries, shop.staff_actions, order.order_id)


def _has_a_browser() -> bool:
    """Whether a browser has a screen of its own."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _with_a_photo(uploads: UploadService) -> UploadSessionId:
    session_id = uploads.open().session_id
    resource = files("entrypoints.http.pages") / "assets" / _SAMPLE
    with as_file(resource) as sample, sample.open("rb") as photo:
        uploads.add(session_id, "trial.jpg", photo, sample.stat().st_size)
    return session_id


def _is_paid(uploads: UploadService, session_id: UploadSessionId) -> bool:
    return uploads.find(session_id).status is UploadStatus.PAID


def _follow(console: Console, queries: Queries, order_id: OrderId) -> Order:
    """Print each new state until the order is over or held."""
    printed: set[str] = set()

    def ended() -> Order | None:
        order = queries.details(order_id).order
        sentence = status_of(order)
        if sentence not in printed:
            printed.add(sentence)
            console.print(Text(f"  {sentence}"), soft_wrap=True)
        return order if order.state in TERMINAL or order.is_held else None

    with console.status("Following the order ..."):
        order = _wait(ended, DELIVERY_SECONDS, "The end of the order")
    if order.state is State.COMPLETED:
        console.print(
            "The order is delivered: look into the mailbox that you gave to Stripe.", soft_wrap=True
        )
    return order


def _refund(console: Console, queries: Queries, staff_actions: StaffActions, order_id: OrderId) -> None:
    staff_actions.refund(order_id, StaffRequest(actor=person(None), reason=REASON))

    def is_refunded() -> bool:
        ledger = queries.details(order_id).order.ledger
        return ledger.issued > 0 and not ledger.requested

    with console.status("Waiting for the refund ..."):
        _wait(is_refunded, REFUND_SECONDS, "The refund")
    console.print("It is refunded; the order stays in the log.")


def _wait(look: Callable[[], T | None], seconds: float, awaited: str) -> T:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() >= deadline:
            raise TrialUnfinishedError(awaited)
        time.sleep(LOOK_SECONDS)
    return found
