"""Each image is tried until restored or given up.

The outcomes may arrive in any order.
"""

from datetime import timedelta

import pytest

from domain.order import events as e
from domain.order.errors import UnknownImageError
from domain.order.limits import Limits
from domain.order.reactions import (
    CancelPrediction,
    CollectRestoration,
    IssueRefund,
    PrepareDownload,
    RestoreImage,
    SendEmail,
    is_still_required,
    reactions_to,
)
from domain.order.states import State
from domain.order.values import EmailKind, FailureReason, Variant
from tests.domain.support.event_builders import Facts
from tests.domain.support.given_when_then import Given, given

FACTS = Facts()
ONE = Facts(photos=1)


def restoring(facts: Facts, *events: e.Event) -> Given:
    return given(*facts.until_restoring(), *events)


def test_a_started_prediction_is_looked_for_later() -> None:
    after = restoring(ONE).when(ONE.started()).then(ONE.started())
    after.adds(CollectRestoration(ONE.image(0), 1, "prediction-0-1"))
    (due,) = reactions_to(after.before, after.order, Limits(restoration_poll=timedelta(seconds=42)))
    assert due.delay == timedelta(seconds=42)


def test_a_repeated_start_is_nothing_new() -> None:
    restoring(ONE, ONE.started()).when(ONE.started()).then_nothing()


def test_a_start_out_of_turn_is_nothing() -> None:
    restoring(ONE).when(ONE.started(attempt=2)).then_nothing()
    failed_twice = restoring(ONE, ONE.attempt_failed(attempt=1), ONE.attempt_failed(attempt=2))
    failed_twice.when(ONE.started(attempt=1, prediction="orphan")).then_nothing()


def test_a_failed_attempt_is_followed_by_another_under_the_next_number() -> None:
    after = restoring(ONE, ONE.started()).when(ONE.attempt_failed()).then(ONE.attempt_failed())
    after.adds(RestoreImage(ONE.image(0), 2)).has_state(State.RESTORING)


def test_each_further_attempt_waits_twice_as_long_and_up_to_a_quarter_more() -> None:
    pace = Limits(restoration_retry=timedelta(seconds=5))
    for attempt, seconds in ((1, 5), (2, 10), (3, 20)):
        history = [ONE.attempt_failed(attempt=earlier) for earlier in range(1, attempt)]
        before = restoring(ONE, *history).order
        after = restoring(ONE, *history, ONE.attempt_failed(attempt=attempt)).order
        (due,) = reactions_to(before, after, pace)
        assert timedelta(seconds=seconds) <= due.delay < timedelta(seconds=1.25 * seconds)
        assert reactions_to(before, after, pace) == [due]


def test_what_failed_together_does_not_come_back_together() -> None:
    many = Facts(photos=20)
    delays = set()
    for index in range(many.photos):
        before = restoring(many).order
        after = restoring(many, many.attempt_failed(index)).order
        delays |= {due.delay for due in reactions_to(before, after, Limits())}
    assert len(delays) > many.photos // 2


def test_a_prediction_that_hung_is_retried_without_a_delay() -> None:
    for reason in (FailureReason.TIMED_OUT, FailureReason.CANCELED):
        before = restoring(ONE, ONE.started()).order
        after = restoring(ONE, ONE.started(), ONE.attempt_failed(reason=reason)).order
        assert [due.delay for due in reactions_to(before, after, Limits())] == [timedelta(0)]


def test_a_repeated_attempt_failure_is_nothing_new() -> None:
    restoring(ONE, ONE.started(), ONE.attempt_failed()).when(ONE.attempt_failed()).then_nothing()


def test_a_refusal_to_start_counts_as_an_attempt() -> None:
    refused = ONE.attempt_failed(prediction=None)
    restoring(ONE).when(refused).then(refused).adds(RestoreImage(ONE.image(0), 2))


def test_the_failure_of_an_unexpected_prediction_is_ignored() -> None:
    restoring(ONE, ONE.started()).when(ONE.attempt_failed(prediction="orphan")).then_nothing()


def test_a_failure_under_another_attempt_than_its_own_is_nothing() -> None:
    mistaken = ONE.attempt_failed(attempt=3, prediction="prediction-0-1")
    restoring(ONE, ONE.started()).when(mistaken).then_nothing()


def test_when_the_attempts_are_used_up_the_image_has_failed() -> None:
    history = (ONE.attempt_failed(attempt=1), ONE.attempt_failed(attempt=2), ONE.started(attempt=3))
    last = ONE.attempt_failed(attempt=3)
    gave_up = ONE.failed(attempts=3, reason=FailureReason.PROVIDER_ERROR)
    restoring(ONE, *history).when(last).then(last, gave_up, ONE.owed(490, 0)).has_state(State.REFUNDING)


def test_the_limit_is_the_shops_to_set() -> None:
    impatient = Given(restoring(ONE, ONE.started()).order, Limits(max_restoration_attempts=1))
    gave_up = ONE.failed(attempts=1, reason=FailureReason.PROVIDER_ERROR)
    impatient.when(ONE.attempt_failed()).then(ONE.attempt_failed(), gave_up, ONE.owed(490, 0))


@pytest.mark.parametrize("reason", [FailureReason.CONTENT_FILTER, FailureReason.REFUSED_INPUT])
def test_a_final_failure_is_not_retried(reason: FailureReason) -> None:
    proposed = ONE.attempt_failed(reason=reason)
    restoring(ONE, ONE.started()).when(proposed).then(proposed, ONE.failed(reason=reason), ONE.owed(490, 0))


@pytest.mark.parametrize("reason", [FailureReason.CONTENT_FILTER, FailureReason.REFUSED_INPUT])
def test_what_one_model_refuses_is_offered_to_a_second_one_even_if_the_attempts_are_used_up(
    reason: FailureReason,
) -> None:
    both = Limits(max_restoration_attempts=1, has_second_model=True)
    first = Given(restoring(ONE, ONE.started()).order, both)
    assert first.order.images[ONE.image(0)].variant is Variant.FIRST
    refused = ONE.attempt_failed(reason=reason)
    offered = first.when(refused).then(refused).adds(RestoreImage(ONE.image(0), 2))
    assert offered.order.images[ONE.image(0)].variant is Variant.SECOND
    again = ONE.attempt_failed(attempt=2, reason=reason, prediction=None)
    offered.when(again).then(again, ONE.failed(attempts=2, reason=reason), ONE.owed(490, 0))


@pytest.mark.parametrize("limits", [Limits(), Limits(has_second_model=True)])
def test_what_cannot_be_decoded_is_offered_to_no_model(limits: Limits) -> None:
    shop = Given(restoring(ONE).order, limits)
    proposed = ONE.attempt_failed(reason=FailureReason.UNREADABLE_INPUT, prediction=None)
    failed = ONE.failed(reason=FailureReason.UNREADABLE_INPUT)
    shop.when(proposed).then(proposed, failed, ONE.owed(490, 0)).has_state(State.REFUNDING)


@pytest.mark.parametrize(
    "reason",
    [
        reason
        for reason in FailureReason
        if not (reason.is_final or reason.is_lost_file or reason is FailureReason.RESULT_LOST)
    ],
)
def test_any_other_failure_is_retried(reason: FailureReason) -> None:
    proposed = ONE.attempt_failed(reason=reason)
    restoring(ONE, ONE.started()).when(proposed).then(proposed).adds(RestoreImage(ONE.image(0), 2))


def test_the_last_image_to_be_restored_lets_the_download_be_prepared() -> None:
    first = restoring(FACTS, FACTS.started(0), FACTS.started(1)).when(FACTS.restored(0))
    first.then(FACTS.restored(0)).has_state(State.RESTORING).adds()
    last = restoring(FACTS, FACTS.started(0), FACTS.started(1), FACTS.restored(0)).when(FACTS.restored(1))
    last.then(FACTS.restored(1)).has_state(State.SETTLED).adds(PrepareDownload())


def test_an_image_is_restored_once() -> None:
    restoring(FACTS, FACTS.restored(0)).when(FACTS.restored(0, prediction="another")).then_nothing()
    restoring(FACTS, FACTS.restored(0)).when(FACTS.failed(0)).then_nothing()
    restoring(FACTS, FACTS.restored(0)).when(FACTS.attempt_failed(0)).then_nothing()
    restoring(FACTS, FACTS.restored(0)).when(FACTS.started(0, prediction="another")).then_nothing()


def test_the_last_image_to_settle_brings_one_refund_for_all_that_failed() -> None:
    facts = Facts(photos=3)
    history = (facts.failed(0), facts.failed(1))
    after = restoring(facts, *history).when(facts.restored(2)).then(facts.restored(2), facts.owed(980, 0, 1))
    after.has_state(State.SETTLED).adds(PrepareDownload(), IssueRefund(facts.refund(), 1))


def test_an_image_that_fails_before_the_last_brings_no_refund_yet() -> None:
    restoring(FACTS).when(FACTS.failed(0)).then(FACTS.failed(0)).has_state(State.RESTORING)


def test_what_failed_is_refunded_only_as_far_as_it_has_not_been_asked_back() -> None:
    asked = restoring(FACTS, FACTS.refund_requested(700), FACTS.failed(0))
    asked.when(FACTS.failed(1)).then(FACTS.failed(1), FACTS.owed(280, 0, 1, sequence=2))


def test_an_order_of_which_nothing_could_be_restored_prepares_no_download() -> None:
    stopped = restoring(ONE, ONE.failed(), ONE.owed(490, 0)).has_state(State.REFUNDING)
    stopped.needs(IssueRefund(ONE.refund(), 1))


def test_a_free_image_that_fails_owes_nothing() -> None:
    free = given(ONE.paid(discount=490), ONE.moved())
    after = free.when(ONE.failed()).then(ONE.failed()).has_state(State.REFUNDED)
    after.adds(SendEmail(ONE.email(EmailKind.FAILURE), EmailKind.FAILURE, 1))


def test_a_free_order_delivers_what_could_be_restored() -> None:
    free = given(FACTS.paid(discount=980), FACTS.moved(), FACTS.failed(0))
    free.when(FACTS.restored(1)).then(FACTS.restored(1)).has_state(State.SETTLED).adds(PrepareDownload())


def test_of_an_orphan_and_its_repeat_the_first_adopted_output_wins_and_the_other_is_cancelled() -> None:
    history = (ONE.started(prediction="repeat"),)
    after = restoring(ONE, *history).when(ONE.restored(prediction="orphan"))
    won = after.then(ONE.restored(prediction="orphan"))
    won.adds(PrepareDownload(), CancelPrediction("repeat"))
    won.when(ONE.restored(prediction="repeat")).then_nothing()


def test_an_orphan_that_names_itself_after_the_repeat_is_waited_for_and_the_repeat_cancelled_in_the_end() -> (
    None
):
    orphan = ONE.started(prediction="orphan")
    waiting = restoring(ONE, ONE.started(prediction="repeat")).when(orphan).then(orphan)
    waiting.adds(CollectRestoration(ONE.image(0), 1, "orphan"))
    won = waiting.when(ONE.restored(prediction="orphan")).then(ONE.restored(prediction="orphan"))
    won.adds(PrepareDownload(), CancelPrediction("repeat"))


def test_an_earlier_attempt_that_comes_back_is_taken_and_the_later_one_cancelled() -> None:
    history = (ONE.started(), ONE.attempt_failed(reason=FailureReason.TIMED_OUT), ONE.started(attempt=2))
    late = ONE.restored(attempt=1)
    won = restoring(ONE, *history).when(late).then(late)
    won.adds(PrepareDownload(), CancelPrediction("prediction-0-2"))


def test_a_prediction_missing_in_the_log_is_required_until_its_image_is_settled() -> None:
    orphan = CollectRestoration(FACTS.image(0), 1, "orphan")
    assert is_still_required(orphan, restoring(FACTS).order)
    assert not is_still_required(orphan, restoring(FACTS, FACTS.restored(0)).order)
    assert not is_still_required(orphan, given(FACTS.paid()).order)


def test_a_prediction_is_cancelled_unless_a_photo_awaits_it() -> None:
    order = restoring(FACTS, FACTS.started(0)).order
    assert not is_still_required(CancelPrediction("prediction-0-1"), order)
    assert is_still_required(CancelPrediction("orphan"), order)
    settled = restoring(FACTS, FACTS.started(0), FACTS.restored(0)).order
    assert is_still_required(CancelPrediction("orphan"), settled)


def test_an_attempt_is_required_until_it_begins() -> None:
    assert is_still_required(RestoreImage(ONE.image(0), 1), restoring(ONE).order)
    assert not is_still_required(RestoreImage(ONE.image(0), 1), restoring(ONE, ONE.started()).order)


def test_nothing_is_recorded_about_an_image_the_order_does_not_have() -> None:
    stranger = Facts(photos=3)
    for proposed in (
        stranger.started(2),
        stranger.attempt_failed(2),
        stranger.restored(2),
        stranger.failed(2),
    ):
        restoring(FACTS).when(proposed).then_refused(
            UnknownImageError, order_id=FACTS.order_id, image_id=stranger.image(2)
        )


def test_what_is_restored_is_known_with_its_size() -> None:
    image = restoring(ONE, ONE.started(), ONE.restored()).order.images[ONE.image(0)]
    assert (image.restored, image.width, image.height) == (ONE.restored().restored, 2048, 1536)
    assert (image.attempts[1].model, image.attempts[1].prediction_id) == ("restore-image", "prediction-0-1")


def test_an_attempt_that_could_not_have_begun_yet_brings_nothing() -> None:
    order = given(*FACTS.until_restoring(), FACTS.started(0))
    order.when(FACTS.restored(0, attempt=3)).then_nothing()
    order.when(FACTS.restored(1, attempt=2)).then_nothing()
