import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from domain.order.values import FailureReason, Variant
from domain.ports.errors import BusyError, LostReplyError, RefusedError
from domain.ports.restorer import Prediction, PredictionStatus, Restorer
from tests.adapters.support.provider_accounts import replicate_restorer, small_photo
from tests.doubles.clock import StoppedClock
from tests.doubles.restorer import InMemoryRestorer
from tests.sandbox.processes import TwinProcess
from tests.waiting import eventually

PHOTO = small_photo()

#: A text of each kind of model failure.
WORDS = {
    FailureReason.CONTENT_FILTER: "The input or output was flagged as sensitive. (E005)",
    FailureReason.REFUSED_INPUT: "cannot identify image file",
    FailureReason.PROVIDER_ERROR: "CUDA out of memory.",
}
ENDPOINTS = {"start": "POST /v1/models/*/predictions", "look": "GET /v1/predictions/*"}


@dataclass(frozen=True)
class RestorerUnderTest:
    """A restorer, and the endings of its predictions."""

    restorer: Restorer
    succeed: Callable[[], str]
    fail: Callable[[FailureReason], str]
    succeed_without_output: Callable[[], str]
    never_end: Callable[..., str]
    pass_time: Callable[[timedelta], object]
    forget_output: Callable[[str], object]
    lose_reply: Callable[[str], object]
    be_busy: Callable[[str], object]
    count: Callable[[], int]


def start(
    restorer: Restorer, variant: Variant = Variant.FIRST, ends_within: timedelta = timedelta(hours=1)
) -> str:
    return restorer.start(
        io.BytesIO(PHOTO),
        media_type="image/png",
        webhook_url="http://127.0.0.1:9/restored",
        variant=variant,
        ends_within=ends_within,
    ).prediction_id


@pytest.fixture(params=["double", "replicate"])
def predictions(request: pytest.FixtureRequest) -> Iterator[RestorerUnderTest]:
    if request.param == "double":
        yield predictions_in_memory()
        return
    restorer = replicate_restorer((twin := request.getfixturevalue("replicate")).url)
    yield predictions_at(twin, restorer)
    restorer.close()


def predictions_in_memory() -> RestorerUnderTest:
    clock = StoppedClock()
    double = InMemoryRestorer(clock=clock)

    def ended(end: Callable[..., None], *how: Any) -> str:
        prediction_id = start(double)
        end(prediction_id, *how)
        return prediction_id

    busy = BusyError("The double", "busy", retry_after_seconds=7)
    return RestorerUnderTest(
        restorer=double,
        succeed=lambda: ended(double.succeed, PHOTO),
        fail=lambda reason: ended(double.fail, reason),
        succeed_without_output=lambda: ended(double.fail, FailureReason.BAD_OUTPUT),
        never_end=lambda **options: start(double, **options),
        pass_time=lambda duration: clock.advance(seconds=duration.total_seconds()),
        forget_output=double.forget_output,
        lose_reply=double.fault_injector.lose_reply,
        be_busy=lambda method: double.fault_injector.fail(method, busy),
        count=lambda: len(double.works),
    )


def predictions_at(twin: TwinProcess, restorer: Restorer) -> RestorerUnderTest:
    def started(action: str | None, *, ends_within: timedelta = timedelta(hours=1), **options: str) -> str:
        if action:
            twin.misbehave("prediction", action, options=options)
        prediction_id = start(restorer, ends_within=ends_within)
        if action != "never_end":
            eventually(lambda: restorer.look(prediction_id).status is not PredictionStatus.RUNNING)
        return prediction_id

    def forget_output(prediction_id: str) -> None:
        url = restorer.look(prediction_id).output_url
        twin.turn(output_lifetime_seconds=0)
        eventually(lambda: twin.http.get(str(url)).status_code == 404)

    def be_busy(method: str) -> None:
        headers = {"Retry-After": "7"}
        twin.misbehave(ENDPOINTS[method], "status", status=429, headers=headers)

    before = len(twin.ledger()["objects"].get("prediction", []))
    return RestorerUnderTest(
        restorer=restorer,
        succeed=lambda: started(None),
        fail=lambda reason: started("fail", error=WORDS[reason]),
        succeed_without_output=lambda: started("succeed_without_output"),
        never_end=lambda **options: started("never_end", **options),
        pass_time=lambda _: None,  # it passes by itself
        forget_output=forget_output,
        lose_reply=lambda method: twin.misbehave(ENDPOINTS[method], "lose_reply"),
        be_busy=be_busy,
        count=lambda: len(twin.ledger()["objects"].get("prediction", [])) - before,
    )


def test_a_picture_that_is_restored_can_be_fetched(predictions: RestorerUnderTest) -> None:
    prediction = predictions.restorer.look(predictions.succeed())
    assert prediction.status is PredictionStatus.SUCCEEDED
    assert prediction.failure is None
    assert prediction.output_url is not None
    target = io.BytesIO()
    assert predictions.restorer.fetch(prediction.output_url, target) == len(target.getvalue()) > 0
    assert target.getvalue().startswith(b"\x89PNG")


def test_an_ended_prediction_says_how_long_it_ran(predictions: RestorerUnderTest) -> None:
    for prediction_id in (predictions.succeed(), predictions.fail(FailureReason.PROVIDER_ERROR)):
        run_seconds = predictions.restorer.look(prediction_id).run_seconds
        assert run_seconds is not None
        assert 0 <= run_seconds < 30


def test_each_variant_has_a_model_of_its_own(predictions: RestorerUnderTest) -> None:
    started = [start(predictions.restorer, variant) for variant in Variant]
    assert len({predictions.restorer.look(prediction_id).model for prediction_id in started}) == len(Variant)


def test_a_prediction_runs_until_it_ends(predictions: RestorerUnderTest) -> None:
    prediction_id = predictions.never_end()
    prediction = predictions.restorer.look(prediction_id)
    assert prediction == Prediction(
        prediction_id=prediction_id, status=PredictionStatus.RUNNING, model=prediction.model
    )
    assert "/" in prediction.model


@pytest.mark.parametrize("reason", WORDS)
def test_a_failure_says_whether_another_attempt_makes_sense(
    predictions: RestorerUnderTest, reason: FailureReason
) -> None:
    prediction = predictions.restorer.look(predictions.fail(reason))
    assert (prediction.status, prediction.failure, prediction.output_url) == (
        PredictionStatus.FAILED,
        reason,
        None,
    )
    assert prediction.detail


def test_success_without_an_output_is_failure(predictions: RestorerUnderTest) -> None:
    prediction = predictions.restorer.look(predictions.succeed_without_output())
    assert (prediction.status, prediction.failure) == (PredictionStatus.FAILED, FailureReason.BAD_OUTPUT)


def test_a_missing_output_is_refused(predictions: RestorerUnderTest) -> None:
    prediction_id = predictions.succeed()
    url = predictions.restorer.look(prediction_id).output_url
    assert url is not None
    predictions.forget_output(prediction_id)
    with pytest.raises(RefusedError):
        predictions.restorer.fetch(url, io.BytesIO())


def test_an_output_on_another_host_is_not_fetched(predictions: RestorerUnderTest) -> None:
    with pytest.raises(RefusedError):
        predictions.restorer.fetch("https://elsewhere.example/out.png", io.BytesIO())


def test_a_canceled_prediction_is_reported(predictions: RestorerUnderTest) -> None:
    prediction_id = predictions.never_end()
    predictions.restorer.cancel(prediction_id)
    prediction = predictions.restorer.look(prediction_id)
    assert (prediction.status, prediction.failure) == (PredictionStatus.FAILED, FailureReason.CANCELED)


def test_a_prediction_is_canceled_at_its_deadline(predictions: RestorerUnderTest) -> None:
    time = timedelta(seconds=1)
    prediction_id = predictions.never_end(ends_within=time)
    predictions.pass_time(time)
    prediction = eventually(lambda: _unless_running(predictions.restorer.look(prediction_id)))
    assert (prediction.status, prediction.failure) == (PredictionStatus.FAILED, FailureReason.CANCELED)


def _unless_running(prediction: Prediction) -> Prediction | None:
    return None if prediction.status is PredictionStatus.RUNNING else prediction


def test_canceling_an_ended_or_unknown_prediction_is_no_error(predictions: RestorerUnderTest) -> None:
    prediction_id = predictions.succeed()
    predictions.restorer.cancel(prediction_id)
    predictions.restorer.cancel("unknown-prediction")
    assert predictions.restorer.look(prediction_id).status is PredictionStatus.SUCCEEDED


def test_an_unknown_prediction_is_refused(predictions: RestorerUnderTest) -> None:
    with pytest.raises(RefusedError):
        predictions.restorer.look("unknown-prediction")


def test_a_start_whose_reply_was_lost_has_started_and_a_retry_starts_another(
    predictions: RestorerUnderTest,
) -> None:
    predictions.lose_reply("start")
    with pytest.raises(LostReplyError):
        start(predictions.restorer)
    assert predictions.count() == 1
    start(predictions.restorer)
    assert predictions.count() == 2


@pytest.mark.parametrize("method", ["start", "look"])
def test_a_busy_restorer_does_nothing_and_returns_a_wait(predictions: RestorerUnderTest, method: str) -> None:
    predictions.be_busy(method)
    with pytest.raises(BusyError) as answer:
        start(predictions.restorer) if method == "start" else predictions.restorer.look("prediction-1")
    assert answer.value.retry_after_seconds == 7
    assert predictions.count() == 0
