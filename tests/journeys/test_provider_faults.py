"""Despite provider faults a customer pays once and gets everything once."""

from pathlib import Path
from typing import Any

import pytest

from domain.order.image import Attempt
from domain.order.states import State
from domain.order.values import FailureReason, OrderId
from tests.journeys.model_refusals import FIRST, REFUSAL, SECOND
from tests.journeys.outcomes import completes_with_two_mails
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

STRIPE_WEBHOOK = "webhook:checkout.session.completed"
CREATE = "POST /v1/models/*/predictions"
LOOK = "GET /v1/predictions/*"
SEND = "POST /v3/mail/send"


def attempts(running_shop: RunningShop, order_id: OrderId) -> list[Attempt]:
    """The attempts at an order's photos."""
    return [one for image in running_shop.order(order_id).images.values() for one in image.attempts.values()]


#: One fault of each kind at each provider; the others are of the same kinds.
FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("stripe", {"on": STRIPE_WEBHOOK, "do": "twice"}),
    ("replicate", {"on": CREATE, "do": "status", "status": 429, "headers": {"Retry-After": "1"}}),
    ("replicate", {"on": CREATE, "do": "lose_reply"}),
    ("replicate", {"on": "webhook:completed", "do": "never", "times": 2}),
    ("replicate", {"on": "prediction", "do": "fail", "options": {"error": "CUDA out of memory"}}),
    ("replicate", {"on": "prediction", "do": "corrupt_output"}),
    ("sendgrid", {"on": SEND, "do": "status", "status": 500}),
    ("sendgrid", {"on": SEND, "do": "lose_reply"}),
]
MORE_FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("stripe", {"on": STRIPE_WEBHOOK, "do": "late", "seconds": 1}),
    ("stripe", {"on": STRIPE_WEBHOOK, "do": "out_of_order", "seconds": 1}),
    ("stripe", {"on": "POST /v1/checkout/sessions", "do": "hang", "seconds": 0.5}),
    ("replicate", {"on": CREATE, "do": "status", "status": 401}),
    ("replicate", {"on": CREATE, "do": "refuse"}),
    ("replicate", {"on": LOOK, "do": "status", "status": 500}),
    ("replicate", {"on": "webhook:completed", "do": "twice", "times": 2}),
    ("replicate", {"on": "prediction", "do": "missing_output"}),
    ("replicate", {"on": "prediction", "do": "abort"}),
    ("sendgrid", {"on": SEND, "do": "status", "status": 429}),
    ("sendgrid", {"on": SEND, "do": "refuse"}),
]


@pytest.mark.parametrize(
    ("twin", "rule"),
    [*FAULTS, *(pytest.param(*each, marks=pytest.mark.slow) for each in MORE_FAULTS)],
    ids=lambda given: (
        given if isinstance(given, str) else f"{given['on']} {given['do']} {given.get('status', '')}"
    ),
)
def test_the_order_completes_all_the_same(
    twin: str, rule: dict[str, Any], running_shop: RunningShop, photo: Path
) -> None:
    struck = running_shop.misbehave(twin, rule)
    customer, order_id = running_shop.buy(photo, photo)
    completes_with_two_mails(running_shop, customer, order_id)
    assert struck(), "the twin never misbehaved"


def test_another_shape_and_the_answer_to_another_photo_are_refused_and_tried_again(
    running_shop: RunningShop, photo: Path
) -> None:
    for fault in ("wrong_output", "other_output"):
        running_shop.misbehave("replicate", {"on": "prediction", "do": fault})
    customer, order_id = running_shop.buy(photo, photo)
    completes_with_two_mails(running_shop, customer, order_id)
    assert {attempt.reason for attempt in attempts(running_shop, order_id)} == {
        FailureReason.BAD_OUTPUT,
        FailureReason.WRONG_OUTPUT,
        None,
    }


def test_a_photo_that_one_model_refuses_is_restored_by_the_other(
    running_shop: RunningShop, photo: Path
) -> None:
    running_shop.misbehave("replicate", {"on": FIRST, **REFUSAL})
    customer, order_id = running_shop.buy(photo)
    completes_with_two_mails(running_shop, customer, order_id, restored=1)
    refused, restored = attempts(running_shop, order_id)
    assert refused.reason is FailureReason.CONTENT_FILTER
    assert SECOND.removeprefix("prediction:") in str(restored.model)


def test_a_photo_that_both_models_refuse_is_refunded_and_the_other_delivered(
    running_shop: RunningShop, photo: Path
) -> None:
    for model in (FIRST, SECOND):
        running_shop.misbehave("replicate", {"on": model, **REFUSAL})
    customer, order_id = running_shop.buy(photo, photo)
    order = eventually(
        lambda: (found := running_shop.order(order_id)).state is State.COMPLETED and found,
        "the completed order",
    )
    assert (len(order.restored_images), len(order.failed_images)) == (1, 1)
    assert [refund.amount.amount for refund in order.refunds.values()] == [490]
    result = eventually(lambda: len(customer.mails()) >= 2 and customer.mails(), "the two mails")[-1]
    assert "€4.90" in result["text"]


def test_when_nothing_can_be_restored_everything_is_refunded_with_one_mail(
    running_shop: RunningShop, photo: Path
) -> None:
    running_shop.misbehave("replicate", {"on": "prediction", "times": 4, **REFUSAL})
    customer, order_id = running_shop.buy(photo, photo)
    eventually(lambda: running_shop.order(order_id).state is State.REFUNDED, "the refunded order")
    mails = eventually(lambda: len(customer.mails()) >= 2 and customer.mails(), "the two mails")
    assert running_shop.order(order_id).refunded_amount == 980
    assert customer.link_in(mails[-1]) is None
