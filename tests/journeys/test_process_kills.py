"""An order completes whatever is killed: two mails, each event once."""

from pathlib import Path

import pytest

from tests.journeys.outcomes import completes_with_two_mails
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually


def test_an_undisturbed_order_goes_from_photo_to_inbox(running_shop: RunningShop, photo: Path) -> None:
    completes_with_two_mails(running_shop, *running_shop.buy(photo, photo))


def test_redis_is_emptied_in_the_middle(running_shop: RunningShop, photo: Path) -> None:
    with running_shop.worker_asleep():
        customer, order_id = running_shop.buy(photo, photo)
        # Now the messages about the payment wait in Redis, unread.
        running_shop.empty_redis()
    for event in ("ImagesMoved", "RestorationStarted", "RestorationCompleted"):
        running_shop.waits_for(event, order_id)
        running_shop.empty_redis()
    completes_with_two_mails(running_shop, customer, order_id)


def test_every_message_is_delivered_many_times(running_shop: RunningShop, photo: Path) -> None:
    customer, order_id = running_shop.buy(photo, photo)
    with running_shop.every_message_again(order_id) as sent:
        completes_with_two_mails(running_shop, customer, order_id)
    assert sent[0] > 2 * len(running_shop.event_names(order_id))


@pytest.mark.parametrize(
    "moment",
    [
        "RestorationStarted",
        *(
            pytest.param(moment, marks=pytest.mark.slow)
            for moment in ("PaymentReceived", "ImagesMoved", "RestorationCompleted", "DownloadPrepared")
        ),
    ],
)
def test_the_worker_is_killed_after(moment: str, running_shop: RunningShop, photo: Path) -> None:
    customer, order_id = running_shop.buy(photo, photo)
    running_shop.waits_for(moment, order_id)
    running_shop.kill_worker()
    running_shop.restart()
    completes_with_two_mails(running_shop, customer, order_id)


@pytest.mark.parametrize(
    ("twin", "call"),
    [
        ("sendgrid", "POST /v3/mail/send"),
        pytest.param("replicate", "POST /v1/models/*", marks=pytest.mark.slow),
        pytest.param("replicate", "GET /v1/predictions/*", marks=pytest.mark.slow),
    ],
)
def test_the_worker_is_killed_inside_a_call_that_is_done_all_the_same(
    twin: str, call: str, running_shop: RunningShop, photo: Path
) -> None:
    is_inside = running_shop.misbehave(twin, {"on": call, "do": "hang", "seconds": 1})
    customer, order_id = running_shop.buy(photo, photo)
    eventually(is_inside, f"a {call} that hangs")
    running_shop.kill_worker()
    running_shop.restart()
    completes_with_two_mails(running_shop, customer, order_id)
