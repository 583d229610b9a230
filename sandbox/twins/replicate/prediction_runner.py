"""Where the work is done, and where time passes.

Threads, not processes: OpenCV lets go of the interpreter's lock while it works; with two restorations under way
another thread waits ten milliseconds at most. Work cannot be interrupted: when a prediction is canceled, what
its thread still produces is dropped.
"""

import logging
import queue
import threading
import time
from zlib import crc32

from sandbox.twins.common import ArmedFault, FaultRules, Json
from sandbox.twins.replicate import image_transfer
from sandbox.twins.replicate.models import MODELS, named
from sandbox.twins.replicate.predictions import (
    PREDICTION_DEEDS,
    NewPrediction,
    Output,
    Predictions,
    Settings,
    seconds_since,
)

#: The model that enlarges what another restored.
ENLARGER = "nightmareai/real-esrgan"

logger = logging.getLogger(__name__)

#: How late something that happens by itself may be.
CLOCK_TICK_SECONDS = 0.05
#: What a failure says unless the fault says otherwise.
FAILURE = "CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 14.58 GiB total capacity)"


class PredictionRunner:
    """Starts predictions, works on them, ends them, and forgets their data in time."""

    def __init__(
        self,
        predictions: Predictions,
        intake: image_transfer.ImageDownloader,
        faults: FaultRules,
        settings: Settings,
    ) -> None:
        self._predictions = predictions
        self._intake = intake
        self._faults = faults
        self._settings = settings
        self._todo: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._lock = threading.Lock()
        #: By prediction: when it starts, when it is cut off, when it ended and began to go stale.
        self._starts: dict[str, float] = {}
        self._deadlines: dict[str, float] = {}
        self._ended: dict[str, float] = {}

    def open(self, workers: int) -> None:
        """Take up what an earlier life of the twin left behind, let people work and time pass."""
        for prediction in self._predictions.still_open():
            self._schedule(prediction["id"], prediction["_starts_at"], prediction["_deadline"])
        for prediction in self._predictions.perishable():
            self._ended[prediction["id"]] = time.time() - seconds_since(prediction["completed_at"])
        for number in range(workers):
            threading.Thread(target=self._work_forever, name=f"studio-{number}", daemon=True).start()
        threading.Thread(target=self._let_time_pass, name="clock", daemon=True).start()

    def take(self, wish: NewPrediction) -> Json:
        """Begin a prediction, now or when the start delay is over."""
        now = time.time()
        starts_at = now + self._settings.current.start_delay_seconds
        deadline = None if wish.cancel_after_seconds is None else now + wish.cancel_after_seconds
        prediction = self._predictions.create(wish, starts_at, deadline)
        self._schedule(prediction["id"], starts_at, deadline)
        return prediction

    def cancel(self, prediction_id: str) -> Json:
        """Cancel a prediction; one that has ended stays as it is.

        Raises:
            MissingError: there is none.
        """
        self._note_end(prediction_id, ended=self._predictions.end(prediction_id, "canceled"))
        return self._predictions.get(prediction_id)

    def _schedule(self, prediction_id: str, starts_at: float, deadline: float | None) -> None:
        with self._lock:
            if deadline is not None:
                self._deadlines[prediction_id] = deadline
            if starts_at > time.time():
                self._starts[prediction_id] = starts_at
                return
        self._todo.put(prediction_id)

    def _note_end(self, prediction_id: str, *, ended: bool) -> None:
        with self._lock:
            self._starts.pop(prediction_id, None)
            self._deadlines.pop(prediction_id, None)
            if ended:
                self._ended[prediction_id] = time.time()

    # -- the clock -------------------------------------------------------------------------------------------

    def _let_time_pass(self) -> None:
        while True:
            now = time.time()
            lifetime = self._settings.current.output_lifetime_seconds
            with self._lock:
                starting = _taken(self._starts, now)
                overdue = _taken(self._deadlines, now)
                stale = _taken(self._ended, now - lifetime)
            for prediction_id in starting:
                self._todo.put(prediction_id)
            for prediction_id in overdue:
                self._note_end(prediction_id, ended=self._predictions.cut_off(prediction_id))
            for prediction_id in stale:
                self._predictions.forget_data(prediction_id)
            time.sleep(CLOCK_TICK_SECONDS)

    # -- the work --------------------------------------------------------------------------------------------

    def _work_forever(self) -> None:
        while True:
            prediction_id = self._todo.get()
            try:
                self._work_on(prediction_id)
            except image_transfer.FailedPredictionError as failure:
                self._fail(prediction_id, str(failure))
            except Exception as error:
                # A defect of the twin: the worker must go on, and whoever waits for the prediction too.
                logger.exception("prediction %s", prediction_id)
                self._fail(prediction_id, f"The twin failed: {error!r}")

    def _fail(self, prediction_id: str, error: str) -> None:
        ended = self._predictions.end(prediction_id, "failed", error=error, logs=f"{error}\n")
        self._note_end(prediction_id, ended=ended)

    def _work_on(self, prediction_id: str) -> None:
        fault = self._fault_for(self._predictions.get(prediction_id)["model"])
        if fault is not None and fault.do == "abort":
            self._note_end(prediction_id, ended=self._predictions.end(prediction_id, "aborted"))
            return
        prediction = self._predictions.begin(prediction_id)
        if prediction is None or (fault is not None and fault.do == "never_end"):
            return
        if fault is not None and fault.do == "fail":
            raise image_transfer.FailedPredictionError(str(fault.options.get("error", FAILURE)))
        output, logs = self._restored(prediction, "" if fault is None else fault.do)
        ended = self._predictions.end(prediction_id, "succeeded", output=output, logs=logs)
        self._note_end(prediction_id, ended=ended)

    def _restored(self, prediction: Json, deed: str) -> tuple[Output | None, str]:
        """Return the output, spoilt where a fault says so, and the logs."""
        wanted = prediction["input"]
        picture = self._intake.fetch(wanted[named(prediction["model"]).picture])
        output_format = wanted.get("output_format", "png")
        if prediction["model"] == ENLARGER:
            content, logs = image_transfer.enlarge(picture, wanted.get("scale", 4))
            return Output(f"out.{image_transfer.format_of(content)}", _spoilt(content, deed)), logs
        content, logs = image_transfer.work(
            picture, output_format, self._settings.current.engine, _variation(prediction)
        )
        if deed == "succeed_without_output":
            return None, logs
        return Output(f"out.{image_transfer.format_of(content)}", _spoilt(content, deed)), logs

    def _fault_for(self, model: str) -> ArmedFault | None:
        return self._faults.take("prediction", PREDICTION_DEEDS) or self._faults.take(
            f"prediction:{model}", PREDICTION_DEEDS
        )


def _variation(prediction: Json) -> int | None:
    """Return what makes the output differ from that of other models and seeds; none for the plain case."""
    model, seed = prediction["model"], prediction["input"].get("seed")
    return None if model == MODELS[0].full_name and seed is None else crc32(f"{model} {seed}".encode())


def _spoilt(content: bytes, deed: str) -> bytes | None:
    """Return what becomes of an output; None is a file that is not there."""
    match deed:
        case "wrong_output":
            return image_transfer.misshapen(image_transfer.format_of(content))
        case "small_output":
            return image_transfer.reduced(content)
        case "other_output":
            return image_transfer.another(content)
        case "corrupt_output":
            return image_transfer.NOT_A_PICTURE
        case "missing_output":
            return None
        case _:
            return content


def _taken(times: dict[str, float], until: float) -> list[str]:
    """Take out, and return, what is not later than `until`."""
    due = [prediction_id for prediction_id, at in times.items() if at <= until]
    for prediction_id in due:
        del times[prediction_id]
    return due
