"""Workers killed during refunds, or repeatedly, do not change an order's result."""

from pathlib import Path
from random import Random
from threading import Event

import pytest

from tests.journeys.model_refusals import FIRST, REFUSAL, SECOND
from tests.journeys.outcomes import completes_with_two_mails
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

#: Few enough that the resend of a mail, if a kill hid its delivery, is not due before the last one.
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
    completes_with_two_mails(running_shop, customer, order_id, restored=3)
