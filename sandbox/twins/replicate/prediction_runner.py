"""Execution of predictions, and their timers.

Threads are enough: with two restorations running, another thread waits ten milliseconds for the interpreter, and a
tenth of a second at most. Work cannot be interrupted: the output of a canceled prediction is discarded.
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
    PREDICTION_ACTIONS,
    NewPrediction,
    Output,
    Predictions,
    Settings,
    seconds_since,
)

#: The model that enlarges the output of another.
ENLARGER = "nightmareai/real-esrgan"

logger = logging.getLogger(__name__)

#: The resolution of timers.
CLOCK_TICK_SECONDS = 0.05
#: The default error of the `fail` fault.
FAILURE = "CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 14.58 GiB total capacity)"


class PredictionRunner:
    """Start, run and end predictions, and remove their data in time."""

    def __init__(
        self,
        predictions: Predictions,
        downloader: image_transfer.ImageDownloader,
        faults: FaultRules,
        settings: Settings,
    ) -> None:
        self._predictions = predictions
        self._downloader = downloader
        self._faults = faults
        self._settings = settings
        self._queue: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._lock = threading.Lock()
        #: By prediction: start time, deadline, and end, after which its data expires.
        self._starts: dict[str, float] = {}
        self._deadlines: dict[str, float] = {}
        self._ended: dict[str, float] = {}

    def open(self, workers: int) -> None:
        """Resume the predictions of a previous process, and start the threads."""
        for prediction in self._predictions.still_open():
            self._schedule(prediction["id"], prediction["_starts_at"], prediction["_deadline"])
        for prediction in self._predictions.perishable():
            self._ended[prediction["id"]] = time.time() - seconds_since(prediction["completed_at"])
        for number in range(workers):
            threading.Thread(target=self._work_forever, name=f"runner-{number}", daemon=True).start()
        threading.Thread(target=self._run_timers, name="clock", daemon=True).start()

    def take(self, request: NewPrediction) -> Json:
        """Create a prediction, started now or after the start delay."""
        now = time.time()
        starts_at = now + self._settings.current.start_delay_seconds
        deadline = None if request.cancel_after_seconds is None else now + request.cancel_after_seconds
        prediction = self._predictions.create(request, starts_at, deadline)
        self._schedule(prediction["id"], starts_at, deadline)
        return prediction

    def cancel(self, prediction_id: str) -> Json:
        """Cancel a prediction unless it has ended; raise MissingError if unknown."""
        self._note_end(prediction_id, ended=self._predictions.end(prediction_id, "canceled"))
        return self._predictions.get(prediction_id)

    def _schedule(self, prediction_id: str, starts_at: float, deadline: float | None) -> None:
        with self._lock:
            if deadline is not None:
                self._deadlines[prediction_id] = deadline
            if starts_at > time.time():
                self._starts[prediction_id] = starts_at
                return
        self._queue.put(prediction_id)

    def _note_end(self, prediction_id: str, *, ended: bool) -> None:
        with self._lock:
            self._starts.pop(prediction_id, None)
            self._deadlines.pop(prediction_id, None)
            if ended:
                self._ended[prediction_id] = time.time()

    # -- the clock -------------------------------------------------------------------------------------------

    def _run_timers(self) -> None:
        while True:
            now = time.time()
            lifetime = self._settings.current.output_lifetime_seconds
            with self._lock:
                starting = _pop_due(self._starts, now)
                overdue = _pop_due(self._deadlines, now)
                stale = _pop_due(self._ended, now - lifetime)
            for prediction_id in starting:
                self._queue.put(prediction_id)
            for prediction_id in overdue:
                self._note_end(prediction_id, ended=self._predictions.cut_off(prediction_id))
            for prediction_id in stale:
                self._predictions.forget_data(prediction_id)
            time.sleep(CLOCK_TICK_SECONDS)

    # -- the work --------------------------------------------------------------------------------------------

    def _work_forever(self) -> None:
        while True:
            prediction_id = self._queue.get()
            try:
                self._work_on(prediction_id)
            except image_transfer.FailedPredictionError as failure:
                self._fail(prediction_id, str(failure))
            except Exception as error:
                # A defect of the twin: the worker must continue, and the prediction must end.
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

    def _restored(self, prediction: Json, action: str) -> tuple[Output | None, str]:
        """Return the output, altered by a fault, and the logs."""
        wanted = prediction["input"]
        picture = self._downloader.fetch(wanted[named(prediction["model"]).picture])
        output_format = wanted.get("output_format", "png")
        if prediction["model"] == ENLARGER:
            content, logs = image_transfer.enlarge(picture, wanted.get("scale", 4))
            return Output(f"out.{image_transfer.format_of(content)}", _altered(content, action)), logs
        content, logs = image_transfer.work(
            picture, output_format, self._settings.current.engine, _variation(prediction)
        )
        if action == "succeed_without_output":
            return None, logs
        return Output(f"out.{image_transfer.format_of(content)}", _altered(content, action)), logs

    def _fault_for(self, model: str) -> ArmedFault | None:
        return self._faults.take("prediction", PREDICTION_ACTIONS) or self._faults.take(
            f"prediction:{model}", PREDICTION_ACTIONS
        )


def _variation(prediction: Json) -> int | None:
    """Return the noise seed; None for the default model and seed."""
    model, seed = prediction["model"], prediction["input"].get("seed")
    return None if model == MODELS[0].full_name and seed is None else crc32(f"{model} {seed}".encode())


def _altered(content: bytes, action: str) -> bytes | None:
    """Return the output altered by a fault; None for no file."""
    match action:
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


def _pop_due(times: dict[str, float], until: float) -> list[str]:
    """Remove and return the entries up to `until`."""
    due = [prediction_id for prediction_id, at in times.items() if at <= until]
    for prediction_id in due:
        del times[prediction_id]
    return due
