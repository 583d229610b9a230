"""Workers killed during refunds, or repeatedly, do not change an order's result."""

from collections import Counter
from pathlib import Path
from random import Random
from threading import Event

import pytest

from domain.order.email import EmailStatus
from domain.order.states import State
from domain.order.values import EmailKind, HoldReason, OrderId
from tests.journeys.model_refusals import FIRST, REFUSAL, SECOND
from tests.journeys.outcomes import completes_with_two_mails
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

KILLS = 3
#: How long a worker runs once it is up; an order of three small photos takes about half a second.
LIFE_SECONDS = (0.02, 0.2)


def test_a_worker_killed_while_refunding_refunds_once(running_shop: RunningShop, photo: Path) -> None:
    for model in (FIRST, SECOND):
        running_shop.misbehave("replicate", {"on": model, **REFUSAL})
    is_inside = running_shop.misbehave("stripe", {"on": "POST /v1/refunds", "do": "hang", "seconds": 1})
    customer, order_id = running_shop.buy(photo, photo)
    eventually(is_inside, "A refund that hangs")
    running_shop.kill_worker()
    running_shop.restart()
    completes_with_two_mails(running_shop, customer, order_id, restored=1, refunds=1)
    refunds = [
        refund
        for refund in running_shop.ledger("stripe")["refund"]
        if refund["metadata"].get("order_id") == str(order_id)
    ]
    assert [refund["amount"] for refund in refunds] == [490]


@pytest.mark.slow
def test_the_worker_is_killed_again_and_again(running_shop: RunningShop, photo: Path) -> None:
    never, lives = Event(), Random(1926)  # noqa: S311 -- it draws times, no secrets
    running_shop.kill_worker()
    customer, order_id = running_shop.buy(photo, photo, photo)
    for _ in range(KILLS):
        running_shop.restart()
        # No fact is waited for: a kill may happen at any moment.
        never.wait(lives.uniform(*LIFE_SECONDS))
        running_shop.kill_worker()
    running_shop.restart()
    kinds = sorted(_settled_mails(running_shop, order_id))
    assert kinds == [EmailKind.CONFIRMATION, EmailKind.RESULT]
    counted = Counter(running_shop.event_names(order_id))
    assert (counted["PaymentReceived"], counted["ImagesMoved"], counted["DownloadPrepared"]) == (1, 1, 1)
    assert counted["RestorationCompleted"] == 3
    # A webhook about a mail that the log calls failed corrects the log.
    eventually(
        lambda: len(customer.mails()) == running_shop.event_names(order_id).count("EmailSent"),
        "As many mails as the log has",
    )


def _settled_mails(running_shop: RunningShop, order_id: OrderId) -> list[EmailKind]:
    """Wait until each mail was accepted or flagged; return their kinds.

    A mail whose sending and whose resend were both killed before the provider had it is flagged for staff. If it was
    the result, the order is held with its link.
    """

    def settled() -> list[EmailKind] | None:
        order = running_shop.order(order_id)
        emails = order.emails.values()
        is_flagged = any(email.kind.brings_a_link and email.status is EmailStatus.FAILED for email in emails)
        is_over = order.state is State.COMPLETED or (is_flagged and order.hold is HoldReason.EMAIL_NOT_SENT)
        if is_over and all(email.status in {EmailStatus.SENT, EmailStatus.FAILED} for email in emails):
            return [email.kind for email in emails]
        return None

    return eventually(settled, "Each mail accepted or flagged")
