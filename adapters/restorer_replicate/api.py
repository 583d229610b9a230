"""Predictions through the Replicate SDK's client."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from math import ceil
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote

import httpx
import msgspec
from replicate.client import Client

from adapters.restorer_replicate.error_mapping import reason_for
from adapters.restorer_replicate.model_inputs import ModelInputs
from adapters.restorer_replicate.outputs import OutputDownloader
from adapters.restorer_replicate.transport import CONNECT_TIMEOUT_SECONDS, PROVIDER, StrictTransport
from adapters.webhooks.fields import ProviderId, readable
from domain.order.values import FailureReason, Variant
from domain.ports.errors import AccountRefusedError, LostReplyError, RefusedError, UnreadableAnswerError
from domain.ports.restorer import Prediction, PredictionStatus, StartedPrediction

T = TypeVar("T")

#: The key in an upload's metadata under which its prediction's webhook address is stored.
POSTS_TO = "posts_to"

#: Limits the provider's error text in log lines.
_LONGEST_DETAIL = 500


class ReplicateRestorer:
    """Restore pictures with the model inputs of each variant.

    The SDK provides authentication, base address and connections. Its objects are not used: they reject a prediction
    that was `aborted`, and creating one has no time-out. Pictures of any size are uploaded, because an inline input
    would be repeated in every response and webhook.
    """

    def __init__(
        self,
        *,
        api_token: str,
        api_base: str,
        model_inputs: Mapping[Variant, ModelInputs],
        output_hosts: frozenset[str],
        timeout_seconds: float = 30.0,
        max_output_bytes: int = 100_000_000,
    ) -> None:
        # Below this level the library logs request addresses, and an output's address is enough to fetch it.
        for library in ("httpx", "httpx2"):
            logging.getLogger(library).setLevel(logging.WARNING)
        self._model_inputs = model_inputs
        self._transport = StrictTransport()
        timeout = httpx.Timeout(timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS)
        self._sdk = Client(api_token, base_url=api_base, timeout=timeout, transport=self._transport)
        self._outputs = OutputDownloader(
            output_hosts, timeout_seconds=timeout_seconds, max_bytes=max_output_bytes
        )

    def start(
        self,
        picture: BinaryIO,
        *,
        media_type: str,
        webhook_url: str,
        variant: Variant,
        ends_within: timedelta,
    ) -> StartedPrediction:
        """Upload a picture and start a prediction; see the port.

        Only the prediction's end is posted to ``webhook_url``. Replicate's deadline is in whole seconds from
        creation, queueing included: https://replicate.com/changelog/2025-10-16-prediction-deadlines
        """
        inputs = self._model_inputs[variant]
        # Replicate does not list a prediction's webhook address, but it returns an upload's metadata.
        tag = msgspec.json.encode({POSTS_TO: webhook_url}).decode()
        content = {"content": ("photo", picture, media_type)}
        upload = self.ask(_Upload, "POST", "/v1/files", files=content, data={"metadata": tag})
        webhook_event = {"webhook": webhook_url, "webhook_events_filter": ["completed"]}
        try:
            prediction = self.ask(
                _Prediction,
                "POST",
                inputs.path,
                json=inputs.body(upload.urls.get) | webhook_event,
                headers={"Cancel-After": f"{ceil(ends_within.total_seconds())}s"},
            )
        except UnreadableAnswerError as error:
            raise LostReplyError(PROVIDER, error.detail) from error
        except RefusedError as error:
            # The picture was not read yet: only the model's name or the inputs' names can be refused here.
            raise AccountRefusedError(PROVIDER, f"{inputs.model}: {error.reason}") from error
        return StartedPrediction(prediction_id=prediction.id, model=inputs.model)

    def look(self, prediction_id: str) -> Prediction:
        return _as_prediction(self.ask(_Prediction, "GET", _path(prediction_id)))

    def fetch(self, output_url: str, target: BinaryIO) -> int:
        return self._outputs.fetch(output_url, target)

    def cancel(self, prediction_id: str) -> None:
        try:
            self.ask(_Prediction, "POST", f"{_path(prediction_id)}/cancel")
        except RefusedError as error:
            if error.code != str(httpx.codes.NOT_FOUND.value):
                raise

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()
        self._outputs.close()

    def ask(self, kind: type[T], method: str, path: str, **content: Any) -> T:
        """Send a request and decode its response as ``kind``.

        Raises the port's errors, and UnreadableAnswerError for a response that is not one.
        """
        # The SDK has no public way to raw responses.
        response = self._sdk._request(method, path, **content)  # noqa: SLF001
        try:
            return msgspec.json.decode(readable(response.content), type=kind)
        except (msgspec.MsgspecError, ValueError) as error:
            raise UnreadableAnswerError(PROVIDER, f"an answer that cannot be read: {error}") from error


class _Urls(msgspec.Struct):
    get: str


class _Upload(msgspec.Struct):
    urls: _Urls


class _Metrics(msgspec.Struct):
    predict_time: float | None = None


class _Prediction(msgspec.Struct):
    id: ProviderId
    status: str
    model: str
    output: Any = None
    error: Any = None
    metrics: _Metrics | None = None

    @property
    def run_seconds(self) -> float | None:
        return self.metrics.predict_time if self.metrics is not None else None


def _path(prediction_id: str) -> str:
    return f"/v1/predictions/{quote(prediction_id, safe='')}"


def _as_prediction(now: _Prediction) -> Prediction:
    match now.status:
        case "succeeded" if (url := _first_url(now.output)) is not None:
            return Prediction(
                prediction_id=now.id,
                status=PredictionStatus.SUCCEEDED,
                model=now.model,
                output_url=url,
                run_seconds=now.run_seconds,
            )
        case "succeeded":
            return _failed(now, FailureReason.BAD_OUTPUT, "it succeeded without an output")
        case "failed":
            return _failed(now, reason_for(str(now.error)), str(now.error))
        case "canceled":
            return _failed(now, FailureReason.CANCELED, "canceled")
        case "aborted":
            return _failed(now, FailureReason.PROVIDER_ERROR, "aborted before it ran")
        case _:
            return Prediction(prediction_id=now.id, status=PredictionStatus.RUNNING, model=now.model)


def _failed(now: _Prediction, reason: FailureReason, detail: str) -> Prediction:
    return Prediction(
        prediction_id=now.id,
        status=PredictionStatus.FAILED,
        model=now.model,
        failure=reason,
        detail=detail[:_LONGEST_DETAIL],
        run_seconds=now.run_seconds,
    )


def _first_url(output: Any) -> str | None:
    """Return the output's address: models return one or a list of them."""
    first = output[0] if isinstance(output, list) and output else output
    return first if isinstance(first, str) and first else None
