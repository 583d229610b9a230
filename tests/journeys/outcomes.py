"""The outcome of a completed order, and reconciliation findings."""

import json
from collections import Counter
from typing import Any

from domain.order.states import State
from domain.order.values import OrderId
from sandbox.demo.http_customer import Customer
from tests.entrypoints.support.shell import Answer
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually


def completes_with_two_mails(
    running_shop: RunningShop, customer: Customer, order_id: OrderId, *, restored: int = 2, refunds: int = 0
) -> None:
    """Wait until the order is complete, and check log, mails and archive.

    Each event is once in the log and each mail once in the mailbox; the link opens an archive.
    """

    def is_done() -> bool:
        # The confirmation may come last: if a crash hid whether it was sent, the shop waits for a webhook
        # about it.
        return (
            running_shop.order(order_id).state is State.COMPLETED
            and running_shop.event_names(order_id).count("EmailSent") >= 2
        )

    try:
        eventually(is_done, "The completed order with its two mails")
    except TimeoutError as error:
        error.add_note(f"Its events: {running_shop.event_names(order_id)}")
        raise
    once = {
        "PaymentReceived": 1,
        "ImagesMoved": 1,
        "RestorationCompleted": restored,
        "RefundIssued": refunds,
        "DownloadPrepared": 1,
        "EmailSent": 2,
    }
    counted = Counter(running_shop.event_names(order_id))
    assert {name: counted[name] for name in once} == once
    mails = eventually(lambda: len(customer.mails()) >= 2 and customer.mails(), "The two mails")
    assert len(mails) == 2
    link = next(link for mail in mails if (link := customer.link_in(mail)))
    with customer.fetching(link) as chunks:
        assert next(chunks).startswith(b"PK")


def findings(answer: Answer) -> list[dict[str, Any]]:
    """The findings in a JSON answer, whose last line is a summary."""
    *lines, whole = map(json.loads, answer.out.splitlines())
    assert whole["agrees"] is (answer.status == 0)
    assert (whole["closed"], whole["cut_off"]) == ({}, {})
    return lines
