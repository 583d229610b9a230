"""The predictions' states: starting, processing, then one final state."""

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

#: Faults of predictions, besides those of requests and webhooks.
PREDICTION_ACTIONS = frozenset(
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
#: Events with a webhook by default.
DEFAULT_EVENTS = ("output", "completed")
EVENTS = ("start", "output", "logs", "completed")
#: The only event whose webhook is retried until it is received, the last time after about a minute.
COMPLETED = "completed"
COMPLETED_DELAYS_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 25.0)
OPEN = frozenset({"starting", "processing"})

Ending = Literal["succeeded", "failed", "canceled", "aborted"]


class ReplicateSettings(TwinSettings, kw_only=True):
    """The settings of this twin."""

    webhook_delays_seconds: tuple[float, ...] = COMPLETED_DELAYS_SECONDS
    #: "copy" returns the input at once, for benchmarks of everything around the restoration.
    engine: Literal["preview", "copy"] = "preview"
    #: How long after its end a prediction keeps its input, output and logs.
    output_lifetime_seconds: float = 3600.0
    #: How long a prediction is "starting", as with a model that has to be loaded first.
    start_delay_seconds: float = 0.0
    #: Replicate's own limit; null for none.
    creates_per_minute: int | None = 600


Settings = RuntimeOptions[ReplicateSettings]


@dataclass(frozen=True, kw_only=True)
class NewPrediction:
    """A request for a prediction."""

    model: Model
    input: Json
    webhook: str | None = None
    events: tuple[str, ...] = DEFAULT_EVENTS
    cancel_after_seconds: float | None = None


@dataclass(frozen=True)
class Output:
    """An output file; without content its URL returns 404."""

    name: str
    content: bytes | None


@dataclass(eq=False)
class Predictions:
    """All predictions; each change and its webhooks are one transaction."""

    ledger: TwinState
    webhooks: WebhookSender
    url: str

    def create(self, request: NewPrediction, starts_at: float, deadline: float | None) -> Json:
        """Store a prediction, `starting`, with its timers in epoch seconds."""
        prediction_id = base64.b32encode(secrets.token_bytes(17)).decode().lower()[:26]
        here = f"{self.url}/v1/predictions/{prediction_id}"
        prediction: Json = {
            "id": prediction_id,
            "model": request.model.full_name,
            "version": request.model.shown_version,
            "input": request.input,
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
                "web": f"{self.url}/p/{prediction_id}",
            },
            "metrics": {},
            "_webhook": request.webhook,
            "_events": list(request.events),
            "_starts_at": starts_at,
            "_deadline": deadline,
        }
        self.ledger.put("prediction", prediction_id, prediction)
        return shown(prediction)

    def get(self, prediction_id: str) -> Json:
        """Return a prediction as the API shows it; raise MissingError if unknown."""
        return shown(self._get(prediction_id))

    def still_open(self) -> list[Json]:
        """Return predictions that have not ended, oldest first, with private fields."""
        found = [one for status in OPEN for one in self.ledger.find("prediction", status=status)]
        return sorted(found, key=lambda one: str(one["created_at"]))

    def perishable(self) -> list[Json]:
        """Return ended predictions that still have data, ordered by end."""
        kept = self.ledger.find("prediction", data_removed=False)
        return sorted(
            (one for one in kept if one["status"] not in OPEN), key=lambda one: str(one["completed_at"])
        )

    def begin(self, prediction_id: str) -> Json | None:
        """Set `processing`, also again after a restart; None if it has ended."""
        with self.ledger.transaction():
            prediction = self._get(prediction_id)
            if prediction["status"] not in OPEN:
                return None
            if prediction["status"] == "starting":
                prediction |= {"status": "processing", "started_at": timestamp()}
                self.ledger.put("prediction", prediction_id, prediction)
                self._send_webhook(prediction, "start")
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
        """Set a final state; return False, changing nothing, if it has ended."""
        with self.ledger.transaction():
            prediction = self._get(prediction_id)
            if prediction["status"] not in OPEN:
                return False
            prediction |= {"status": status, "error": error, "logs": logs, "completed_at": timestamp()}
            prediction["metrics"] = _metrics(prediction)
            if output is not None:
                prediction["output"] = f"{self.url}/pbxt/{prediction_id}/{output.name}"
                if output.content is not None:
                    self.ledger.put_blob(_blob_id(prediction_id, output.name), output.content)
            self.ledger.put("prediction", prediction_id, prediction)
            for event, happened in (("output", output), ("logs", logs), (COMPLETED, True)):
                if happened:
                    self._send_webhook(prediction, event)
        return True

    def cut_off(self, prediction_id: str) -> bool:
        """End at the deadline: canceled, or aborted before it began.

        Returns False if it has ended.
        """
        with self.ledger.transaction():
            begun = self._get(prediction_id)["status"] == "processing"
            return self.end(prediction_id, "canceled" if begun else "aborted")

    def forget_data(self, prediction_id: str) -> None:
        """Remove input, output and logs, as Replicate does after an hour."""
        with self.ledger.transaction():
            prediction = self._get(prediction_id)
            if prediction["output"]:
                self.ledger.remove_blob(_blob_id(prediction_id, prediction["output"].rpartition("/")[2]))
            prediction |= {"input": {}, "output": None, "logs": "", "data_removed": True}
            self.ledger.put("prediction", prediction_id, prediction)

    def output_file(self, prediction_id: str, name: str) -> bytes | None:
        """Return an output's bytes, or None."""
        return self.ledger.get_blob(_blob_id(prediction_id, name))

    def newest_first(self) -> list[Json]:
        """Return all predictions as the API shows them."""
        return [shown(prediction) for prediction in self.ledger.find("prediction")]

    def _get(self, prediction_id: str) -> Json:
        prediction = self.ledger.get("prediction", prediction_id)
        if prediction is None:
            raise MissingError
        return prediction

    def _send_webhook(self, prediction: Json, event: str) -> None:
        if prediction["_webhook"] is not None and event in prediction["_events"]:
            body = json.dumps(shown(prediction)).encode()
            self.webhooks.send(f"msg_{prediction['id']}_{event}", event, prediction["_webhook"], body)


def shown(prediction: Json) -> Json:
    """Return the fields that callers see."""
    return {name: value for name, value in prediction.items() if not name.startswith("_")}


def timestamp() -> str:
    """Return the current time in the API's format."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_since(moment: str) -> float:
    """Return the seconds since an API timestamp."""
    return time.time() - datetime.fromisoformat(moment).timestamp()


def signature_headers(secret: str, delivery: Delivery) -> Mapping[str, str]:
    """Sign one attempt; retries keep the id but not the time."""
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
