"""Predictions fail, hang, repeat or arrive late.

Each photo is restored once, or refunded.
"""

from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from typing import BinaryIO

import pytest

from domain.order import events as e
from domain.order.states import State
from domain.order.values import FailureReason, HoldReason, ImageId, Money, OrderId, RefundReason
from domain.ports.errors import (
    ForgedMessageError,
    RefusedError,
    UnavailableError,
    UnreadableImageError,
)
from domain.ports.images import ImageFacts
from domain.similarity import SKETCH_SIDE
from domain.use_cases.support.staff_requests import StaffRequest
from tests.domain.support.assertions import kinds, sent
from tests.doubles.container import POLICY, InMemoryShop
from tests.doubles.images import PlainInspector


def reasons(shop: InMemoryShop, order_id: OrderId) -> list[FailureReason]:
    failures = (event for event in shop.events(order_id) if isinstance(event, e.RestorationAttemptFailed))
    return [failure.reason for failure in failures]


def test_a_photo_that_fails_for_good_is_refunded_and_the_rest_delivered(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding", b"harvest", b"portrait"))
    shop.work()
    shop.restorer.fail("prediction-2", FailureReason.CONTENT_FILTER)
    shop.post_prediction("prediction-2")
    order = shop.live(order_id)
    assert order.state is State.COMPLETED
    assert [refund.amount.amount for refund in order.refunds.values()] == [490]
    assert [refund.reason for refund in order.refunds.values()] == [RefundReason.NOT_RESTORED]
    assert sent(shop) == ["confirmation", "partial_result"]
    assert "great-aunt-2.jpg" in list(shop.mailer.mailbox.values())[-1].content.html


def test_a_photo_that_cannot_be_decoded_after_all_is_refunded_at_once(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding", b"undecodable harvest"))
    shop.work()
    assert reasons(shop, order_id) == [FailureReason.UNREADABLE_INPUT]
    assert [image.failure for image in shop.order(order_id).images.values()] == [
        None,
        FailureReason.UNREADABLE_INPUT,
    ]
    shop.end_predictions()
    order = shop.live(order_id)
    assert order.state is State.COMPLETED
    assert [refund.amount.amount for refund in order.refunds.values()] == [490]
    assert sent(shop) == ["confirmation", "partial_result"]


def test_an_original_that_cannot_be_decoded_when_its_result_comes_is_refunded_at_once(
    shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = shop.upload(b"wedding")
    order_id = shop.pay(session_id)
    shop.work()
    with shop.unit_of_work.transaction() as transaction:
        transaction.upload_sessions.forget_temp_objects(session_id, shop.clock.now())

    def look(_: PlainInspector, picture: BinaryIO) -> ImageFacts:
        if picture.read() == b"wedding":
            raise UnreadableImageError("damaged")
        return ImageFacts(media_type="image/png", width=1200, height=900, sketch=bytes(SKETCH_SIDE**2))

    monkeypatch.setattr(PlainInspector, "inspect", look)
    shop.end_predictions()
    shop.work()
    assert reasons(shop, order_id) == [FailureReason.UNREADABLE_INPUT]
    assert shop.order(order_id).state is State.REFUNDED


def test_what_was_restored_is_delivered_also_if_the_share_of_the_rest_cannot_be_paid_back(
    shop: InMemoryShop,
) -> None:
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.work()
    shop.payments.fault_injector.fail(
        "issue_refund", RefusedError("The double", "no", code="balance_insufficient")
    )
    shop.restorer.fail("prediction-1", FailureReason.CONTENT_FILTER)
    shop.post_prediction("prediction-1")
    shop.end_predictions()
    order = shop.live(order_id)
    assert (order.state, order.hold) == (State.DELIVERED, HoldReason.REFUND_NOT_ISSUED)
    assert sent(shop) == ["confirmation", "partial_result"]


def test_a_graver_hold_takes_the_place_of_a_refused_refunds(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.work()
    shop.payments.fault_injector.fail(
        "issue_refund", RefusedError("The double", "no", code="balance_insufficient")
    )
    by = StaffRequest(actor="person:ada", reason="They asked for it.")
    shop.staff_actions.refund(order_id, by, amount=Money(amount=100, currency="EUR"))
    shop.work()
    assert shop.order(order_id).hold is HoldReason.REFUND_NOT_ISSUED
    shop.staff_actions.hold(order_id, by)
    shop.end_predictions()
    order = shop.live(order_id)
    assert (order.state, order.hold) == (State.SETTLED, HoldReason.REQUESTED)
    shop.staff_actions.release(order_id, by)
    assert (shop.live(order_id).state, shop.order(order_id).refunded_amount) == (State.COMPLETED, 100)


def test_nothing_restored_is_refunded_whole_with_one_mail(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.work()
    shop.end_predictions(FailureReason.CONTENT_FILTER)
    shop.work()
    order = shop.live(order_id)
    assert order.state is State.REFUNDED
    assert order.refunded_amount == order.paid_amount
    assert sent(shop) == ["confirmation", "failure"]


def test_attempts_are_used_up_one_after_the_other(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    for _ in range(3):
        shop.work()
        shop.end_predictions(FailureReason.PROVIDER_ERROR)
        shop.work()
        shop.pass_time(minutes=10)
    assert kinds(shop, order_id).count(e.RestorationAttemptFailed) == 3
    assert shop.order(order_id).state is State.REFUNDED


def test_a_prediction_without_an_end_is_cancelled_at_its_deadline_and_tried_again(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    for _ in range(35):
        shop.pass_time(minutes=1)
    assert reasons(shop, order_id) == [FailureReason.TIMED_OUT]
    assert "cancel" in {call.method for call in shop.restorer.fault_injector.calls}
    assert shop.live(order_id).state is State.COMPLETED


def test_a_prediction_that_is_no_longer_polled_ends_by_itself(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"wedding"))
    shop.work()
    (work,) = shop.restorer.works.values()
    assert work.ends_within - POLICY.predictions.deadline == timedelta(minutes=1)


def test_a_restorer_unavailable_for_half_an_hour_is_still_asked_to_cancel(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    for _ in range(100):
        shop.restorer.fault_injector.fail("cancel", UnavailableError("The double", "away"))
    shop.staff_actions.refund(order_id, StaffRequest(actor="person:grace", reason="They called."))
    for _ in range(30):
        shop.pass_time(minutes=1)
    shop.restorer.fault_injector.clear_up()
    for _ in range(30):
        shop.pass_time(minutes=1)
    (work,) = shop.restorer.works.values()
    assert work.prediction.failure is FailureReason.CANCELED


def test_what_succeeds_while_it_is_being_cancelled_is_not_lost(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.restorer.succeed_just_before_it_is_cancelled("prediction-1", b"restored")
    for _ in range(31):
        shop.pass_time(minutes=1)
    assert e.RestorationAttemptFailed not in kinds(shop, order_id)
    assert list(shop.restorer.works) == ["prediction-1"]
    assert shop.order(order_id).state is State.COMPLETED


def test_a_deadline_is_recorded_as_such_even_if_only_the_cancellation_completed(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    with shop.event_store_fails():
        for _ in range(30):
            shop.clock.advance(minutes=1)
            shop.reaction_runner.resend_due()
            with suppress(RuntimeError):
                shop.work()
    assert shop.restorer.works["prediction-1"].prediction.failure is FailureReason.CANCELED
    shop.pass_time(minutes=10)
    assert reasons(shop, order_id) == [FailureReason.TIMED_OUT]


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (b"broken", FailureReason.BAD_OUTPUT),
        (b"square portrait of ada", FailureReason.BAD_OUTPUT),
        (b"small portrait of ada", FailureReason.BAD_OUTPUT),
        (b"portrait of grace", FailureReason.WRONG_OUTPUT),
        (b"nothing but black", FailureReason.FLAT_OUTPUT),
    ],
)
def test_what_is_no_answer_is_refused_and_tried_again(
    shop: InMemoryShop, output: bytes, reason: FailureReason
) -> None:
    order_id = shop.pay(shop.upload(b"portrait of ada"))
    shop.work()
    shop.restorer.succeed("prediction-1", output)
    shop.post_prediction("prediction-1")
    shop.work()
    assert reasons(shop, order_id) == [reason]
    assert list(shop.storage.keys("uploads/restored/")) == []
    shop.pass_time(minutes=1)
    shop.restorer.succeed("prediction-2", b"portrait of ada")
    shop.post_prediction("prediction-2")
    shop.work()
    assert shop.order(order_id).state is State.COMPLETED


def test_a_webhook_that_never_comes_is_made_up_for_by_looking(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.restorer.succeed("prediction-1", b"restored")
    shop.pass_time(minutes=2)
    assert shop.order(order_id).state is State.COMPLETED


def test_an_orphan_whose_start_was_never_answered_names_itself(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.restorer.fault_injector.lose_reply("start")
    shop.work()
    assert e.RestorationStarted not in kinds(shop, order_id)
    shop.end_predictions()
    shop.work()
    assert shop.order(order_id).state is State.COMPLETED
    shop.pass_time(hours=1)
    assert list(shop.restorer.works) == ["prediction-1"]


def test_of_an_orphan_and_its_repeat_the_first_output_wins_and_the_other_is_cancelled(
    shop: InMemoryShop,
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.restorer.fault_injector.lose_reply("start")
    shop.work()
    shop.pass_time(minutes=1)
    assert list(shop.restorer.works) == ["prediction-1", "prediction-2"]
    shop.restorer.succeed("prediction-1", b"restored")
    shop.post_prediction("prediction-1")
    shop.work()
    order = shop.order(order_id)
    assert order.state is State.COMPLETED
    assert kinds(shop, order_id).count(e.RestorationCompleted) == 1
    assert shop.restorer.works["prediction-2"].prediction.failure is FailureReason.CANCELED


def test_an_orphan_that_fails_beside_its_repeat_is_not_recorded(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.restorer.fault_injector.lose_reply("start")
    shop.work()
    shop.pass_time(minutes=1)
    recorded = kinds(shop, order_id)
    shop.restorer.fail("prediction-1", FailureReason.PROVIDER_ERROR)
    shop.post_prediction("prediction-1")
    shop.work()
    assert kinds(shop, order_id) == recorded


def test_a_prediction_that_starts_after_its_image_was_settled_is_cancelled(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.restorer.fault_injector.lose_reply("start")
    shop.work()
    shop.restorer.succeed("prediction-1", b"restored")
    shop.clock.advance(minutes=1)
    shop.reaction_runner.resend_due()
    claimed = shop.reaction_runner.claim(shop.queue.waiting.popleft())
    assert claimed is not None
    shop.post_prediction("prediction-1")
    shop.work()
    shop.reaction_runner.perform(*claimed)
    shop.work()
    assert shop.restorer.works["prediction-2"].prediction.failure is FailureReason.CANCELED
    assert shop.order(order_id).state is State.COMPLETED


def test_a_webhook_at_an_address_this_shop_did_not_make_is_forged(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    image_id = next(iter(shop.order(order_id).images))
    token = shop.token_signer.prediction_token(order_id, image_id, 1)
    with pytest.raises(ForgedMessageError):
        shop.prediction_webhook.verify_token(token, order_id, image_id, 2)
    with pytest.raises(ForgedMessageError):
        shop.prediction_webhook.verify_token("", order_id, ImageId(shop.ids.new()), 1)


def test_nothing_comes_back_that_never_left(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.restorer.fault_injector.lose_reply("start")
    shop.work()
    shop.end_predictions()
    shop.work()
    events = kinds(shop, order_id)
    assert events.index(e.RestorationStarted) + 1 == events.index(e.RestorationCompleted)


def test_a_full_disk_puts_the_work_off_and_fails_no_photo(
    shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))

    def full() -> AbstractContextManager[BinaryIO]:
        raise UnavailableError("The disk for temporary files", "it is full", retry_after_seconds=30)

    with monkeypatch.context() as disk:
        disk.setattr(shop.scratch, "file", full)
        shop.live(order_id, hours=0.5)
        assert shop.order(order_id).state is State.RESTORING
        assert reasons(shop, order_id) == []
    assert shop.live(order_id).state is State.COMPLETED
