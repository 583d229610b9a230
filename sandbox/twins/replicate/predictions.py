"""A prediction's life: starting, processing, then succeeded, failed, canceled or aborted; never back."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sandbox.twins.common import Delivery, Json, RuntimeOptions, TwinSettings, TwinState, WebhookSender
from sandbox.twins.replicate.errors import MissingError
from sandbox.twins.replicate.models import Model

#: What may go wrong with a prediction, besides what may go wrong with requests and webhooks.
PREDICTION_DEEDS = frozenset(
    {
        "fail",
        "abort",
        "never_end",
        "wrong_output",
        "other_output",
        "corrupt_output",
        "missing_output",
        "small_output",
        "succeed_without_output",
    }
)
#: A webhook is sent for these unless the caller chooses.
DEFAULT_EVENTS = ("output", "completed")
EVENTS = ("start", "output", "logs", "completed")
#: The only event whose webhook is repeated until it is received, the last time after about a minute.
COMPLETED = "completed"
COMPLETED_DELAYS_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 25.0)
OPEN = frozenset({"starting", "processing"})

Ending = Literal["succeeded", "failed", "canceled", "aborted"]


class ReplicateSettings(TwinSettings, kw_only=True):
    """The knobs of this twin."""

    webhook_delays_seconds: tuple[float, ...] = COMPLETED_DELAYS_SECONDS
    #: "copy" hands the input back at once, for measuring everything around the restoration.
    engine: Literal["preview", "copy"] = "preview"
    #: How long after its end a prediction keeps its input, its output and its logs.
    output_lifetime_seconds: float = 3600.0
    #: How long a prediction stays "starting", as with a model that has to be loaded first.
    start_delay_seconds: float = 0.0
    #: Replicate's own limit; null for none.
    creates_per_minute: int | None = 600


Settings = RuntimeOptions[ReplicateSettings]


@dataclass(frozen=True, kw_only=True)
class NewPrediction:
    """What a caller wants done."""

    model: Model
    input: Json
    webhook: str | None = None
    events: tuple[str, ...] = DEFAULT_EVENTS
    cancel_after_seconds: float | None = None


@dataclass(frozen=True)
class Output:
    """An output file, by its name; without content its URL leads nowhere."""

    name: str
    content: bytes | None


class Predictions:
    """All predictions, each moved on in one transaction with the webhooks that tell of it."""

    def __init__(self, ledger: TwinState, webhooks: WebhookSender, url: str) -> None:
        self._ledger = ledger
        self._webhooks = webhooks
        self._url = url

    def create(self, wish: NewPrediction, starts_at: float, deadline: float | None) -> Json:
        """Take a wish on; it is `starting`, and the times (seconds since the epoch) are kept with it."""
        prediction_id = base64.b32encode(secrets.token_bytes(17)).decode().lower()[:26]
        here = f"{self._url}/v1/predictions/{prediction_id}"
        prediction: Json = {
            "id": prediction_id,
            "model": wish.model.full_name,
            "version": wish.model.shown_version,
            "input": wish.input,
            "logs": "",
            "output": None,
            "data_removed": False,
            "error": None,
            "source": "api",
            "status": "starting",
            "created_at": timestamp(),
            "started_at": None,
            "completed_at": None,
            "urls": {
                "get": here,
                "cancel": f"{here}/cancel",
                "web": f"{self._url}/p/{prediction_id}",
            },
            "metrics": {},
            "_webhook": wish.webhook,
            "_events": list(wish.events),
            "_starts_at": starts_at,
            "_deadline": deadline,
        }
        self._ledger.put("prediction", prediction_id, prediction)
        return shown(prediction)

    def get(self, prediction_id: str) -> Json:
        """Return a prediction as the API shows it.

        Raises:
            MissingError: there is none.
        """
        return shown(self._get(prediction_id))

    def still_open(self) -> list[Json]:
        """Return what has not ended, oldest first, with what is not shown to callers."""
        found = [one for status in OPEN for one in self._ledger.find("prediction", status=status)]
        return sorted(found, key=lambda one: str(one["created_at"]))

    def perishable(self) -> list[Json]:
        """Return what has ended and still has its data, in the order of its end."""
        kept = self._ledger.find("prediction", data_removed=False)
        return sorted(
            (one for one in kept if one["status"] not in OPEN), key=lambda one: str(one["completed_at"])
        )

    def begin(self, prediction_id: str) -> Json | None:
        """Say that the work begins, or begins again after a restart; None when it is not wanted any more."""
        with self._ledger.transaction():
            prediction = self._get(prediction_id)
            if prediction["status"] not in OPEN:
                return None
            if prediction["status"] == "starting":
                prediction |= {"status": "processing", "started_at": timestamp()}
                self._ledger.put("prediction", prediction_id, prediction)
                self._tell(prediction, "start")
        return shown(prediction)

    def end(
        self,
        prediction_id: str,
        status: Ending,
        *,
        error: str | None = None,
        logs: str = "",
        output: Output | None = None,
    ) -> bool:
        """Bring it to its end; False when it has ended before, and then nothing changes."""
        with self._ledger.transaction():
            prediction = self._get(prediction_id)
            if prediction["status"] not in OPEN:
                return False
            prediction |= {"status": status, "error": error, "logs": logs, "completed_at": timestamp()}
            prediction["metrics"] = _metrics(prediction)
            if output is not None:
                prediction["output"] = f"{self._url}/pbxt/{prediction_id}/{output.name}"
                if output.content is not None:
                    self._ledger.put_blob(_blob_id(prediction_id, output.name), output.content)
            self._ledger.put("prediction", prediction_id, prediction)
            for event, happened in (("output", output), ("logs", logs), (COMPLETED, True)):
                if happened:
                    self._tell(prediction, event)
        return True

    def cut_off(self, prediction_id: str) -> bool:
        """End it because its time is over: canceled, or aborted when it had not begun; False when it has ended."""
        with self._ledger.transaction():
            begun = self._get(prediction_id)["status"] == "processing"
            return self.end(prediction_id, "canceled" if begun else "aborted")

    def forget_data(self, prediction_id: str) -> None:
        """Remove input, output and logs, as Replicate does an hour after the end."""
        with self._ledger.transaction():
            prediction = self._get(prediction_id)
            if prediction["output"]:
                self._ledger.remove_blob(_blob_id(prediction_id, prediction["output"].rpartition("/")[2]))
            prediction |= {"input": {}, "output": None, "logs": "", "data_removed": True}
            self._ledger.put("prediction", prediction_id, prediction)

    def output_file(self, prediction_id: str, name: str) -> bytes | None:
        """Return the bytes of an output that is still there."""
        return self._ledger.get_blob(_blob_id(prediction_id, name))

    def newest_first(self) -> list[Json]:
        """Return all predictions as the API shows them."""
        return [shown(prediction) for prediction in self._ledger.find("prediction")]

    def _get(self, prediction_id: str) -> Json:
        prediction = self._ledger.get("prediction", prediction_id)
        if prediction is None:
            raise MissingError
        return prediction

    def _tell(self, prediction: Json, event: str) -> None:
        if prediction["_webhook"] is not None and event in prediction["_events"]:
            body = json.dumps(shown(prediction)).encode()
            self._webhooks.send(f"msg_{prediction['id']}_{event}", event, prediction["_webhook"], body)


def shown(prediction: Json) -> Json:
    """Return what callers get to see."""
    return {name: value for name, value in prediction.items() if not name.startswith("_")}


def timestamp() -> str:
    """Return the present moment as the API writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_since(moment: str) -> float:
    """Return how long ago something happened that the API has dated."""
    return time.time() - datetime.fromisoformat(moment).timestamp()


def signature_headers(secret: str, delivery: Delivery) -> Mapping[str, str]:
    """Sign one attempt: the id stays the same in a retry, the time does not."""
    sent_at = str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{delivery.event_id}.{sent_at}.".encode() + delivery.body
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": delivery.event_id,
        "webhook-timestamp": sent_at,
        "webhook-signature": f"v1,{signature}",
    }


def _metrics(prediction: Json) -> Json:
    if prediction["started_at"] is None:
        return {}
    return {
        "predict_time": round(seconds_since(prediction["started_at"]), 6),
        "total_time": round(seconds_since(prediction["created_at"]), 6),
    }


def _blob_id(prediction_id: str, name: str) -> str:
    return f"pbxt/{prediction_id}/{name}"
