"""Results smaller than their originals are enlarged, and never lost by it."""

from dataclasses import replace

import pytest

from domain.order import events as e
from domain.order.states import State
from domain.order.values import FailureReason, OrderId, Variant
from domain.ports.errors import RefusedError, UnavailableError
from domain.use_cases.support.staff_requests import StaffRequest
from tests.domain.support.assertions import kinds, sent
from tests.doubles.container import POLICY, InMemoryShop
from tests.doubles.restorer import MODELS


@pytest.fixture
def shop() -> InMemoryShop:
    return InMemoryShop(replace(POLICY, limits=replace(POLICY.limits, enlarges_results=True)))


ADA = StaffRequest(actor="person:ada", reason="They asked for it on the phone.")
SMALL, LARGE = b"halved portrait of ada", b"portrait of ada"


def with_small_result(shop: InMemoryShop) -> OrderId:
    """An order with a small result, about to be enlarged."""
    order_id = shop.pay(shop.upload(LARGE))
    shop.work()
    end(shop, "prediction-1", SMALL)
    shop.work()
    return order_id


def end(shop: InMemoryShop, prediction_id: str, outcome: bytes | FailureReason) -> None:
    if isinstance(outcome, bytes):
        shop.restorer.succeed(prediction_id, outcome)
    else:
        shop.restorer.fail(prediction_id, outcome)
    shop.post_prediction(prediction_id)
    shop.work()


def result(shop: InMemoryShop, order_id: OrderId) -> bytes:
    (image,) = shop.order(order_id).images.values()
    assert image.restored is not None
    return shop.storage.objects[image.restored.key]


def test_a_smaller_result_is_enlarged_before_it_is_delivered(shop: InMemoryShop) -> None:
    order_id = with_small_result(shop)
    assert shop.order(order_id).state is State.RESTORING
    enlarging = shop.restorer.works["prediction-2"]
    assert (enlarging.prediction.model, enlarging.picture) == (MODELS[Variant.ENLARGE], SMALL)
    end(shop, "prediction-2", b"enlarged " + LARGE)
    order = shop.order(order_id)
    assert order.state is State.COMPLETED
    (image,) = order.images.values()
    assert (image.width, image.height) == (image.original_width, image.original_height) == (1200, 900)
    assert result(shop, order_id) == b"enlarged " + LARGE
    assert sent(shop) == ["confirmation", "result"]


@pytest.mark.parametrize(
    "outcome",
    [FailureReason.CONTENT_FILTER, FailureReason.PROVIDER_ERROR, SMALL, b"broken", b"portrait of grace"],
)
def test_what_cannot_be_enlarged_is_delivered_as_it_is(
    shop: InMemoryShop, outcome: bytes | FailureReason
) -> None:
    order_id = with_small_result(shop)
    for number in range(2, 6):
        if (work := shop.restorer.works.get(f"prediction-{number}")) is not None:
            assert work.picture == SMALL
            end(shop, f"prediction-{number}", outcome)
            shop.pass_time(minutes=1)
    order = shop.order(order_id)
    assert (order.state, order.refunds) == (State.COMPLETED, {})
    (image,) = order.images.values()
    assert (image.width, image.height, image.original_width, image.original_height) == (600, 450, 1200, 900)
    assert result(shop, order_id) == SMALL
    assert kinds(shop, order_id).count(e.RestorationCompleted) == 1
    assert len(shop.restorer.works) <= 1 + POLICY.limits.max_restoration_attempts


def test_an_enlarging_model_that_refuses_costs_no_photo(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(LARGE))
    shop.work()
    shop.restorer.fault_injector.fail("start", RefusedError("The double", "no", code="422"))
    end(shop, "prediction-1", SMALL)
    assert shop.order(order_id).state is State.COMPLETED
    assert result(shop, order_id) == SMALL


def test_a_late_second_answer_to_what_is_being_enlarged_changes_nothing(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(LARGE))
    shop.restorer.fault_injector.lose_reply("start")
    shop.work()
    shop.pass_time(minutes=1)
    end(shop, "prediction-1", SMALL)
    end(shop, "prediction-2", b"another " + SMALL)
    assert kinds(shop, order_id).count(e.SmallResultStored) == 1
    end(shop, "prediction-3", b"enlarged " + LARGE)
    assert result(shop, order_id) == b"enlarged " + LARGE


def test_a_redo_is_enlarged_as_well(shop: InMemoryShop) -> None:
    order_id = with_small_result(shop)
    end(shop, "prediction-2", b"enlarged " + LARGE)
    (image_id,) = shop.order(order_id).images
    shop.staff_actions.redo(order_id, ADA, photos=[1])
    shop.work()
    end(shop, "prediction-3", b"anew " + SMALL)
    end(shop, "prediction-4", b"anew enlarged " + LARGE)
    assert result(shop, order_id) == b"anew enlarged " + LARGE
    assert len(shop.order(order_id).images[image_id].results) == 2


def test_without_an_enlarging_model_the_smaller_result_is_delivered_and_both_sizes_are_known() -> None:
    shop = InMemoryShop()
    order_id = with_small_result(shop)
    order = shop.order(order_id)
    assert order.state is State.COMPLETED
    (image,) = order.images.values()
    assert (image.width, image.height, image.original_width, image.original_height) == (600, 450, 1200, 900)


def test_what_waits_to_be_enlarged_is_delivered_as_it_is_once_enlarging_is_switched_off(
    shop: InMemoryShop,
) -> None:
    order_id = shop.pay(shop.upload(LARGE))
    shop.work()
    shop.restorer.fault_injector.fail("start", UnavailableError("The double", "away"))
    end(shop, "prediction-1", SMALL)
    (image,) = shop.order(order_id).images.values()
    assert image.to_enlarge is not None
    shop.policy = POLICY
    shop.wire(shop.payments)
    shop.pass_time(minutes=1)
    order = shop.order(order_id)
    assert (order.state, order.refunds) == (State.COMPLETED, {})
    assert (result(shop, order_id), list(shop.restorer.works)) == (SMALL, ["prediction-1"])
