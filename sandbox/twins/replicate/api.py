"""The doorway /v1, and /pbxt, where outputs are delivered."""

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
#: How often a waiting caller's prediction is looked at.
GLANCE_SECONDS = 0.01


class PredictionsApi(Controller):
    """Predictions."""

    path = "/v1"

    @post("/predictions")
    async def create(
        self, request: Call, studio: PredictionRunner = GIVEN, predictions: Predictions = GIVEN
    ) -> Response[Json]:
        """Start a prediction by version."""
        wanted = _json_in(request)
        wish = _wish(with_version(wanted.get("version")), wanted, request)
        return await _started(wish, request, studio, predictions)

    @post("/models/{owner:str}/{name:str}/predictions")
    async def create_by_model(
        self,
        owner: str,
        name: str,
        request: Call,
        studio: PredictionRunner = GIVEN,
        predictions: Predictions = GIVEN,
    ) -> Response[Json]:
        """Start a prediction by model."""
        wish = _wish(named(f"{owner}/{name}"), _json_in(request), request)
        return await _started(wish, request, studio, predictions)

    @get("/predictions", sync_to_thread=False)
    def pages(
        self,
        request: Call,
        cursor: Annotated[str | None, Parameter(query="cursor")] = None,
        predictions: Predictions = GIVEN,
    ) -> Json:
        """List predictions, newest first, a page at a time."""
        return page_of(predictions.newest_first(), cursor, str(request.url.with_replacements(query="")))

    @get("/predictions/{prediction_id:str}", sync_to_thread=False)
    def show(self, prediction_id: str, predictions: Predictions = GIVEN) -> Json:
        """Show a prediction."""
        return predictions.get(prediction_id)

    @post("/predictions/{prediction_id:str}/cancel", status_code=200, sync_to_thread=False)
    def cancel(self, prediction_id: str, studio: PredictionRunner = GIVEN) -> Json:
        """Cancel a prediction."""
        return studio.cancel(prediction_id)


class ModelsApi(Controller):
    """Models, the account, the webhooks' secret."""

    path = "/v1"

    @get("/models/{owner:str}/{name:str}", sync_to_thread=False)
    def show(self, owner: str, name: str, request: Call) -> Json:
        """Show a model with its latest version."""
        return named(f"{owner}/{name}").body(str(request.base_url).rstrip("/"))

    @get("/models/{owner:str}/{name:str}/versions", sync_to_thread=False)
    def versions(self, owner: str, name: str) -> Json:
        """List a model's versions: there is one."""
        return {"next": None, "previous": None, "results": [named(f"{owner}/{name}").version_body()]}

    @get("/models/{owner:str}/{name:str}/versions/{version:str}", sync_to_thread=False)
    def version(self, owner: str, name: str, version: str) -> Json:
        """Show a version."""
        model = named(f"{owner}/{name}")
        if version != model.version:
            raise MissingError
        return model.version_body()

    @get("/account", sync_to_thread=False)
    def account(self) -> Json:
        """Show whose token it is."""
        return {"type": "user", "username": "sandbox", "name": "Sandbox", "github_url": None}

    @get("/webhooks/default/secret", sync_to_thread=False)
    def secret(self, webhook_secret: str = GIVEN) -> Json:
        """Show what webhooks are signed with."""
        return {"key": webhook_secret}


class FilesApi(Controller):
    """Uploaded inputs."""

    path = "/v1/files"

    @post("/")
    async def create(self, request: Call, files: Files = GIVEN) -> Json:
        """Take an upload."""
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
        """Show what is known of an upload."""
        return files.get(file_id)

    @delete("/{file_id:str}", sync_to_thread=False)
    def forget(self, file_id: str, files: Files = GIVEN) -> None:
        """Forget an upload."""
        files.delete(file_id)


@get("/pbxt/{prediction_id:str}/{name:str}", sync_to_thread=False)
def deliver(prediction_id: str, name: str, predictions: Predictions = GIVEN) -> Response[bytes]:
    """Hand over an output, to whoever knows its address; gone with the prediction's data."""
    content = predictions.output_file(prediction_id, name)
    if content is None:
        raise NotFoundException("The output does not exist, or no longer.")
    return Response(content, media_type=mimetypes.guess_type(name)[0])


HANDLERS: list[ControllerRouterHandler] = [PredictionsApi, ModelsApi, FilesApi, deliver]


async def _started(
    wish: NewPrediction, request: Call, studio: PredictionRunner, predictions: Predictions
) -> Response[Json]:
    """Start it, and wait for its end as long as the caller prefers: 202 when that was not long enough."""
    prediction = studio.take(wish)
    patience_seconds = _patience_seconds(request.headers.get("prefer", ""))
    if patience_seconds is None:
        return Response(prediction, status_code=201)
    until = asyncio.get_running_loop().time() + patience_seconds
    while prediction["status"] in OPEN and asyncio.get_running_loop().time() < until:
        await asyncio.sleep(GLANCE_SECONDS)
        prediction = predictions.get(prediction["id"])
    return Response(prediction, status_code=202 if prediction["status"] in OPEN else 201)


def _patience_seconds(prefer: str) -> float | None:
    asked = re.fullmatch(r"wait(?:=(\d+(?:\.\d+)?))?", prefer.strip())
    if asked is None:
        return None
    return min(float(asked[1] or LONGEST_WAIT_SECONDS), LONGEST_WAIT_SECONDS)


def _wish(model: Model, wanted: Json, request: Call) -> NewPrediction:
    given = model.check(wanted.get("input"))
    webhook, events = wanted.get("webhook"), wanted.get("webhook_events_filter") or list(DEFAULT_EVENTS)
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
    """Read 1h, 5m, 90s, 1m30s or a bare number of seconds; None when it is nothing of the kind."""
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?", text.strip())
    if parts is None:
        return None
    hours, minutes, seconds = (float(part or 0) for part in parts.groups())
    return hours * 3600 + minutes * 60 + seconds


def _json_in(request: Call) -> Json:
    try:
        wanted = json.loads(exchange_of(request.scope).body)
    except ValueError:
        wanted = None
    if not isinstance(wanted, dict):
        raise InvalidInputError([complaint("invalid_type", "(root)", "the body must be a JSON object")])
    return wanted
