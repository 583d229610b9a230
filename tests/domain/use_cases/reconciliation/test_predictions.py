"""Replicate's predictions against the log's attempts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.order.reactions import CollectRestoration, reaction_id_of
from domain.order.states import State
from domain.order.values import FailureReason
from domain.ports.reaction_queue import Outcome
from domain.ports.restorer import PredictionStatus
from tests.domain.support.reconciliation_runs import compare, found
from tests.doubles.container import InMemoryShop


def about_predictions(shop: InMemoryShop, *, repairs: bool = False) -> list[tuple[str, bool]]:
    """The findings about predictions, and whether each was repaired."""
    findings = compare(shop, repairs=repairs).findings
    return [(each.what, each.is_repaired) for each in findings if each.what.startswith("prediction_")]


def test_an_orphan_is_adopted_by_the_image_that_waits(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.restorer.fault_injector.lose_reply("start")
    shop.work()
    shop.restorer.succeed("prediction-1", b"restored")  # and its webhook is lost
    shop.clock.advance(hours=2)
    assert about_predictions(shop) == [("prediction_not_on_record", False)]
    assert about_predictions(shop, repairs=True) == [("prediction_not_on_record", True)]
    assert about_predictions(shop) == []
    shop.work()
    assert shop.order(order_id).state is State.COMPLETED
    assert list(shop.restorer.works) == ["prediction-1"]


def test_an_orphan_prediction_is_cancelled(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.restorer.fault_injector.lose_reply("start")
    shop.work()
    shop.pass_time(minutes=1)
    shop.restorer.succeed("prediction-2", b"restored")
    shop.post_prediction("prediction-2")
    shop.work()
    assert shop.order(order_id).state is State.COMPLETED
    assert shop.restorer.works["prediction-1"].prediction.status is PredictionStatus.RUNNING
    shop.clock.advance(hours=2)
    assert about_predictions(shop, repairs=True) == [("prediction_not_on_record", True)]
    assert shop.restorer.works["prediction-1"].prediction.failure is FailureReason.CANCELED
    assert about_predictions(shop) == []


def test_an_output_that_came_second_is_no_finding(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"wedding"))
    shop.restorer.fault_injector.lose_reply("start")
    shop.work()
    shop.pass_time(minutes=1)
    shop.restorer.succeed("prediction-2", b"restored")
    shop.post_prediction("prediction-2")
    shop.work()
    shop.restorer.succeed("prediction-1", b"restored too")
    shop.clock.advance(hours=2)
    assert about_predictions(shop) == []


def test_a_prediction_of_another_account_user_is_left_alone(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"wedding"))
    shop.restorer.fault_injector.lose_reply("start")
    shop.work()
    work = shop.restorer.works["prediction-1"]
    token = work.webhook_url.rpartition("/")[2]
    for address in ("https://elsewhere.example/hook", work.webhook_url.replace(token, "forged")):
        work.webhook_url = address
        shop.clock.advance(hours=2)
        assert about_predictions(shop, repairs=True) == []
    assert work.prediction.status is PredictionStatus.RUNNING


def test_an_ended_prediction_that_was_not_collected_is_collected(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.restorer.succeed("prediction-1", b"restored")
    assert about_predictions(shop) == [], "its webhook may be on its way"
    shop.clock.advance(hours=2)
    assert about_predictions(shop, repairs=True) == [("prediction_not_collected", True)]
    shop.work()
    assert shop.order(order_id).state is State.COMPLETED


def test_a_prediction_that_is_collected_while_the_list_is_read_is_not_reported(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.restorer.succeed("prediction-1", b"restored")
    shop.clock.advance(hours=2)

    def collect() -> None:
        shop.post_prediction("prediction-1")
        shop.work()

    shop.prediction_listing.meanwhile = collect
    assert about_predictions(shop) == []


@pytest.mark.parametrize("is_orphan", [True, False])
def test_a_collection_that_was_given_up_or_put_off_is_done_at_once(
    shop: InMemoryShop, *, is_orphan: bool
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    if is_orphan:
        shop.restorer.fault_injector.lose_reply("start")
    shop.work()
    shop.end_predictions()
    (image_id,) = shop.order(order_id).images
    reaction_id = reaction_id_of(order_id, CollectRestoration(image_id, 1, "prediction-1"))
    shop.clock.advance(hours=2)
    shop.queue.waiting.clear()
    work = shop.own_unit_of_work.pages.work
    work[reaction_id] = replace(
        work[reaction_id],
        outcome=Outcome.FAILED if is_orphan else None,
        sent_at=None,
        due_at=shop.clock.now() + timedelta(hours=9),
    )
    assert [is_repaired for _, is_repaired in about_predictions(shop, repairs=True)] == [True]
    shop.work()
    assert shop.order(order_id).state is State.COMPLETED


def test_a_prediction_older_than_the_list_is_asked_about_by_itself(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.clock.advance(days=40)
    assert about_predictions(shop) == []
    shop.restorer.succeed("prediction-1", b"restored")
    assert about_predictions(shop, repairs=True) == [("prediction_not_collected", True)]
    shop.work()
    assert shop.order(order_id).state is State.COMPLETED


def test_a_prediction_unknown_to_the_restorer_is_reported(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.restorer.works.clear()
    assert about_predictions(shop, repairs=True) == [("prediction_unknown_there", False)]


def test_predictions_that_run_and_are_awaited_agree(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.work()
    assert found(compare(shop)) == []
