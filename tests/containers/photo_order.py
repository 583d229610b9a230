"""A whole order at a shop in containers, over HTTP."""

import json
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from sandbox.demo.http_customer import Customer
from tests.waiting import eventually

PHOTO = Path(__file__).parents[1] / "journeys/harvest-1926.jpg"
COMPLETED_SECONDS = 180.0


def order_photo(shop_url: str, mailbox_url: str, list_orders: Callable[[], str]) -> None:
    """Buy a restored photo and get the mail with its link.

    ``list_orders`` returns what `restoreclick orders list --json` prints in the shop.
    """
    with Customer(shop_url, mailbox_url, email=f"{uuid4().hex}@customer.example") as customer:
        customer.open_session()
        assert customer.send(PHOTO, "harvest.jpg")
        customer.pay(customer.ask_for_checkout()["url"])
        order_id = eventually(customer.order_id, "the order")
        completed(order_id, list_orders)
        eventually(lambda: customer.link_in(customer.mails()[-1]), "the mail with its link")


def completed(
    order_id: str, list_orders: Callable[[], str], *, within_seconds: float = COMPLETED_SECONDS
) -> None:
    """Wait until an order has ended, with its photos delivered."""
    ended = eventually(
        lambda: _end_of(order_id, list_orders()), "the order's end", within_seconds=within_seconds
    )
    assert ended == "completed"


def _end_of(order_id: str, listed: str) -> str | None:
    """The state in which an order ended; None before."""
    orders = map(json.loads, listed.splitlines())
    states = [each["state"] for each in orders if each["order_id"] == order_id]
    return next((state for state in states if state in {"completed", "refunded"}), None)
