"""The API /v1, and /pbxt, where outputs are downloaded."""

import asyncio
import json
import mimetypes
import re
from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, post
from litestar.datastructures import State, UploadFile
from litestar.exceptions import NotFoundException
from litestar.params import Parameter
from litestar.types import ControllerRouterHandler

from sandbox.twins.common import GIVEN, Json, exchange_of
from sandbox.twins.replicate.errors import InvalidInputError, MissingError
from sandbox.twins.replicate.files import Files
from sandbox.twins.replicate.inputs import complaint
from sandbox.twins.replicate.models import Model, named, with_version
from sandbox.twins.replicate.pages import page_of
from sandbox.twins.replicate.prediction_runner import PredictionRunner
from sandbox.twins.replicate.predictions import DEFAULT_EVENTS, EVENTS, OPEN, NewPrediction, Predictions

Call = Request[Any, Any, State]

#: `Prefer: wait` without a number.
LONGEST_WAIT_SECONDS = 60.0
#: Polling interval of a waiting request.
POLL_SECONDS = 0.01


class PredictionsApi(Controller):
    """Predictions."""

    path = "/v1"

    @post("/predictions")
    async def create(
        self, request: Call, runner: PredictionRunner = GIVEN, predictions: Predictions = GIVEN
    ) -> Response[Json]:
        """Start a prediction by version."""
        body = _json_in(request)
        new = _new_prediction(with_version(body.get("version")), body, request)
        return await _started(new, request, runner, predictions)

    @post("/models/{owner:str}/{name:str}/predictions")
    async def create_by_model(
        self,
        owner: str,
        name: str,
        request: Call,
        runner: PredictionRunner = GIVEN,
        predictions: Predictions = GIVEN,
    ) -> Response[Json]:
        """Start a prediction by model."""
        new = _new_prediction(named(f"{owner}/{name}"), _json_in(request), request)
        return await _started(new, request, runner, predictions)

    @get("/predictions", sync_to_thread=False)
    def pages(
        self,
        request: Call,
        cursor: Annotated[str | None, Parameter(query="cursor")] = None,
        predictions: Predictions = GIVEN,
    ) -> Json:
        """List predictions, newest first, page by page."""
        return page_of(predictions.newest_first(), cursor, str(request.url.with_replacements(query="")))

    @get("/predictions/{prediction_id:str}", sync_to_thread=False)
    def show(self, prediction_id: str, predictions: Predictions = GIVEN) -> Json:
        """Return a prediction."""
        return predictions.get(prediction_id)

    @post("/predictions/{prediction_id:str}/cancel", status_code=200, sync_to_thread=False)
    def cancel(self, prediction_id: str, runner: PredictionRunner = GIVEN) -> Json:
        """Cancel a prediction."""
        return runner.cancel(prediction_id)


class ModelsApi(Controller):
    """Models, the account, the webhook secret."""

    path = "/v1"

    @get("/models/{owner:str}/{name:str}", sync_to_thread=False)
    def show(self, owner: str, name: str, request: Call) -> Json:
        """Return a model with its latest version."""
        return named(f"{owner}/{name}").body(str(request.base_url).rstrip("/"))

    @get("/models/{owner:str}/{name:str}/versions", sync_to_thread=False)
    def versions(self, owner: str, name: str) -> Json:
        """List a model's only version."""
        return {"next": None, "previous": None, "results": [named(f"{owner}/{name}").version_body()]}

    @get("/models/{owner:str}/{name:str}/versions/{version:str}", sync_to_thread=False)
    def version(self, owner: str, name: str, version: str) -> Json:
        """Return a version."""
        model = named(f"{owner}/{name}")
        if version != model.version:
            raise MissingError
        return model.version_body()

    @get("/account", sync_to_thread=False)
    def account(self) -> Json:
        """Return the token's account."""
        return {"type": "user", "username": "sandbox", "name": "Sandbox", "github_url": None}

    @get("/webhooks/default/secret", sync_to_thread=False)
    def secret(self, webhook_secret: str = GIVEN) -> Json:
        """Return the webhook secret."""
        return {"key": webhook_secret}


class FilesApi(Controller):
    """Uploaded inputs."""

    path = "/v1/files"

    @post("/")
    async def create(self, request: Call, files: Files = GIVEN) -> Json:
        """Store an upload."""
        form = await request.form()
        content = form.get("content")
        if not isinstance(content, UploadFile):
            raise InvalidInputError([complaint("required", "content", "content is required")])
        return files.create(
            content.filename, content.content_type, await content.read(), form.get("metadata")
        )

    @get("/", sync_to_thread=False)
    def pages(self, files: Files = GIVEN) -> Json:
        """List the uploads."""
        return {"next": None, "previous": None, "results": files.newest_first()}

    @get("/{file_id:str}", sync_to_thread=False)
    def show(self, file_id: str, files: Files = GIVEN) -> Json:
        """Return an upload's metadata."""
        return files.get(file_id)

    @delete("/{file_id:str}", sync_to_thread=False)
    def forget(self, file_id: str, files: Files = GIVEN) -> None:
        """Delete an upload."""
        files.delete(file_id)


@get("/pbxt/{prediction_id:str}/{name:str}", sync_to_thread=False)
def deliver(prediction_id: str, name: str, predictions: Predictions = GIVEN) -> Response[bytes]:
    """Return an output, without authentication; 404 after its data was removed."""
    content = predictions.output_file(prediction_id, name)
    if content is None:
        raise NotFoundException("The output does not exist, or no longer.")
    return Response(content, media_type=mimetypes.guess_type(name)[0])


HANDLERS: list[ControllerRouterHandler] = [PredictionsApi, ModelsApi, FilesApi, deliver]


async def _started(
    new: NewPrediction, request: Call, runner: PredictionRunner, predictions: Predictions
) -> Response[Json]:
    """Start a prediction and wait if preferred; 202 if not ended."""
    prediction = runner.take(new)
    wait_seconds = _wait_seconds(request.headers.get("prefer", ""))
    if wait_seconds is None:
        return Response(prediction, status_code=201)
    until = asyncio.get_running_loop().time() + wait_seconds
    while prediction["status"] in OPEN and asyncio.get_running_loop().time() < until:
        await asyncio.sleep(POLL_SECONDS)
        prediction = predictions.get(prediction["id"])
    return Response(prediction, status_code=202 if prediction["status"] in OPEN else 201)


def _wait_seconds(prefer: str) -> float | None:
    asked = re.fullmatch(r"wait(?:=(\d+(?:\.\d+)?))?", prefer.strip())
    if asked is None:
        return None
    return min(float(asked[1] or LONGEST_WAIT_SECONDS), LONGEST_WAIT_SECONDS)


def _new_prediction(model: Model, body: Json, request: Call) -> NewPrediction:
    given = model.check(body.get("input"))
    webhook, events = body.get("webhook"), body.get("webhook_events_filter") or list(DEFAULT_EVENTS)
    complaints = []
    if webhook is not None and not str(webhook).startswith(("https://", "http://")):
        complaints.append(complaint("format", "webhook", "Does not match format 'uri'"))
    if not isinstance(events, list) or not set(events) <= set(EVENTS):
        allowed = ", ".join(f'"{event}"' for event in EVENTS)
        complaints.append(
            complaint("enum", "webhook_events_filter", f"must be one of the following: {allowed}")
        )
    cancel_after = request.headers.get("cancel-after")
    cancel_after_seconds = None if cancel_after is None else _duration_seconds(cancel_after)
    if cancel_after is not None and not cancel_after_seconds:
        complaints.append(complaint("format", "Cancel-After", "must be a duration such as 90s or 1m30s"))
    if complaints:
        raise InvalidInputError(complaints)
    return NewPrediction(
        model=model,
        input=given,
        webhook=webhook,
        events=tuple(events),
        cancel_after_seconds=cancel_after_seconds,
    )


def _duration_seconds(text: str) -> float | None:
    """Parse 1h, 5m, 90s, 1m30s or seconds; None if invalid."""
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?", text.strip())
    if parts is None:
        return None
    hours, minutes, seconds = (float(part or 0) for part in parts.groups())
    return hours * 3600 + minutes * 60 + seconds


def _json_in(request: Call) -> Json:
    try:
        body = json.loads(exchange_of(request.scope).body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise InvalidInputError([complaint("invalid_type", "(root)", "the body must be a JSON object")])
    return body
