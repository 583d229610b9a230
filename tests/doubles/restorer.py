"""A restorer in memory."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO

from domain.order.values import FailureReason, Variant
from domain.ports.clock import Clock
from domain.ports.errors import RefusedError
from domain.ports.restorer import Prediction, PredictionStatus, StartedPrediction
from tests.doubles.fault_injection import FaultInjector

PROVIDER = "The restorer double"
MODELS = {
    Variant.FIRST: "doubles/restorer",
    Variant.SECOND: "doubles/another-restorer",
    Variant.ENLARGE: "doubles/enlarger",
}
OUTPUTS = "https://restored.example/"
#: How long a prediction ran, unless the test says otherwise.
RUN_SECONDS = 4.0


@dataclass
class Work:
    """A prediction: its input and its result."""

    picture: bytes
    media_type: str
    webhook_url: str
    prediction: Prediction
    ends_within: timedelta
    output: bytes | None = None
    began_at: datetime | None = None  # where there is a clock
    ended_at: datetime | None = None  # likewise

    def restored(self, outcome: bytes = b"restored") -> bytes:
        """The model's output for the picture.

        Each further attempt has another output, unless the test names one.
        """
        attempt = int(self.webhook_url.split("/")[-2])
        is_another = attempt > 1 and outcome == b"restored"
        return outcome + (b" anew %d " % attempt if is_another else b" ") + self.picture


@dataclass
class InMemoryRestorer:
    """A restorer whose predictions end only when a test ends them.

    ``works`` is its ledger.
    """

    works: dict[str, Work] = field(default_factory=dict)
    fault_injector: FaultInjector = field(default_factory=FaultInjector)
    clock: Clock | None = None
    _nearly_done: dict[str, bytes] = field(default_factory=dict)

    def start(
        self,
        picture: BinaryIO,
        *,
        media_type: str,
        webhook_url: str,
        variant: Variant,
        ends_within: timedelta,
    ) -> StartedPrediction:
        with self.fault_injector.over("start", webhook_url):
            model = MODELS[variant]
            prediction_id = self._begin(picture.read(), media_type, webhook_url, model, ends_within)
            return StartedPrediction(prediction_id=prediction_id, model=model)

    def look(self, prediction_id: str) -> Prediction:
        with self.fault_injector.over("look", prediction_id):
            if prediction_id not in self.works:
                raise RefusedError(PROVIDER, "there is no such prediction", code="404")
            self.end_what_is_overdue(prediction_id)
            return self.works[prediction_id].prediction

    def fetch(self, output_url: str, target: BinaryIO) -> int:
        with self.fault_injector.over("fetch", output_url):
            work = self.works.get(output_url.removeprefix(OUTPUTS))
            if work is None or work.output is None:
                raise RefusedError(PROVIDER, "its output is gone", code="404")
            return target.write(work.output)

    def cancel(self, prediction_id: str) -> None:
        with self.fault_injector.over("cancel", prediction_id):
            if prediction_id in self._nearly_done:
                self.succeed(prediction_id, self._nearly_done.pop(prediction_id))
            work = self.works.get(prediction_id)
            if work is not None and work.prediction.status is PredictionStatus.RUNNING:
                self.fail(prediction_id, FailureReason.CANCELED)

    def succeed(self, prediction_id: str, output: bytes, run_seconds: float = RUN_SECONDS) -> None:
        """Let a prediction succeed."""
        work = self.works[prediction_id]
        work.output, work.ended_at = output, self._now()
        work.prediction = Prediction(
            prediction_id=prediction_id,
            status=PredictionStatus.SUCCEEDED,
            model=work.prediction.model,
            output_url=OUTPUTS + prediction_id,
            run_seconds=run_seconds,
        )

    def succeed_just_before_it_is_cancelled(self, prediction_id: str, output: bytes) -> None:
        """Let a prediction succeed at the moment it is cancelled."""
        self._nearly_done[prediction_id] = output

    def fail(self, prediction_id: str, reason: FailureReason, run_seconds: float = RUN_SECONDS) -> None:
        """Let a prediction fail."""
        work = self.works[prediction_id]
        work.ended_at = self._now()
        work.prediction = Prediction(
            prediction_id=prediction_id,
            status=PredictionStatus.FAILED,
            model=work.prediction.model,
            failure=reason,
            detail="the test says so",
            run_seconds=run_seconds,
        )

    def forget_output(self, prediction_id: str) -> None:
        """Delete an output, as the provider does after an hour."""
        self.works[prediction_id].output = None

    def _begin(
        self, picture: bytes, media_type: str, webhook_url: str, model: str, ends_within: timedelta
    ) -> str:
        prediction_id = self._named(webhook_url)
        prediction = Prediction(prediction_id=prediction_id, status=PredictionStatus.RUNNING, model=model)
        self.works[prediction_id] = Work(
            picture, media_type, webhook_url, prediction, ends_within, began_at=self._now()
        )
        return prediction_id

    def end_what_is_overdue(self, prediction_id: str) -> None:
        """Cancel a prediction beyond its time limit, as the provider does."""
        work, now = self.works[prediction_id], self._now()
        is_running = work.prediction.status is PredictionStatus.RUNNING
        if is_running and now and work.began_at and now - work.began_at >= work.ends_within:
            self.fail(prediction_id, FailureReason.CANCELED)

    def _named(self, webhook_url: str) -> str:  # noqa: ARG002 -- for subclasses that derive the name from the URL
        return f"prediction-{len(self.works) + 1}"

    def _now(self) -> datetime | None:
        return self.clock.now() if self.clock is not None else None
