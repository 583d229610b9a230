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


def test_a_worker_killed_while_refunding_refunds_once(hands: RunningShop, photo: Path) -> None:
    for model in (FIRST, SECOND):
        hands.misbehave("replicate", {"on": model, **REFUSAL})
    is_inside = hands.misbehave("stripe", {"on": "POST /v1/refunds", "do": "hang", "seconds": 1})
    customer, order_id = hands.buy(photo, photo)
    eventually(is_inside, "A refund that hangs")
    hands.kill_worker()
    hands.restart()
    completes_with_two_mails(hands, customer, order_id, restored=1, refunds=1)
    refunds = [
        refund
        for refund in hands.ledger("stripe")["refund"]
        if refund["metadata"].get("order_id") == str(order_id)
    ]
    assert [refund["amount"] for refund in refunds] == [490]


@pytest.mark.slow
def test_the_worker_is_killed_again_and_again(hands: RunningShop, photo: Path) -> None:
    never, lives = Event(), Random(1926)  # noqa: S311 -- it draws times, no secrets
    hands.kill_worker()
    customer, order_id = hands.buy(photo, photo, photo)
    for _ in range(KILLS):
        hands.restart()
        # No fact is waited for: a kill may happen at any moment.
        never.wait(lives.uniform(*LIFE_SECONDS))
        hands.kill_worker()
    hands.restart()
    completes_with_two_mails(hands, customer, order_id, restored=3)
