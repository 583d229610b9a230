import io
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from adapters.restorer_replicate import ReplicateRestorer, outputs
from adapters.restorer_replicate.error_mapping import reason_for
from domain.order.values import FailureReason, Variant
from domain.ports.errors import (
    AccountRefusedError,
    BusyError,
    LostReplyError,
    OutsideError,
    RefusedError,
    UnavailableError,
)
from domain.ports.restorer import PredictionStatus
from tests.adapters.support.misbehaving_server import RogueHandler, RogueServer, rogue_server
from tests.adapters.support.provider_accounts import (
    REPLICATE_API_TOKEN,
    REPLICATE_MODEL_INPUTS,
    replicate_restorer,
    small_photo,
)
from tests.sandbox.processes import TwinProcess
from tests.waiting import eventually

PHOTO = small_photo()
WEBHOOK_URL = "http://127.0.0.1:9/restored"


@pytest.fixture
def restorer(rogue: RogueServer) -> Iterator[ReplicateRestorer]:
    with closing(replicate_restorer(rogue.url, timeout_seconds=1.0, max_output_bytes=1_000)) as restorer:
        yield restorer


def on_create(rogue: RogueServer, behave: Any) -> None:
    """Accept the upload, and behave so when the prediction is created."""

    def post(request: RogueHandler) -> None:
        request.read_body()
        if request.path == "/v1/files":
            request.answer(201, b'{"urls": {"get": "http://127.0.0.1/file"}}')
        else:
            behave(request)

    rogue.manners["POST"] = post


def start(restorer: ReplicateRestorer, variant: Variant = Variant.FIRST) -> Any:
    return restorer.start(
        io.BytesIO(PHOTO),
        media_type="image/png",
        webhook_url=WEBHOOK_URL,
        variant=variant,
        ends_within=timedelta(hours=1),
    )


@pytest.mark.parametrize("variant", Variant)
def test_each_model_gets_its_own_input_names(replicate: TwinProcess, variant: Variant) -> None:
    recipe = REPLICATE_MODEL_INPUTS[variant]
    with closing(replicate_restorer(replicate.url)) as restorer:
        started = start(restorer, variant)
        eventually(lambda: restorer.look(started.prediction_id).status is PredictionStatus.SUCCEEDED)
    ledger = replicate.ledger()
    (kept,) = [one for one in ledger["objects"]["prediction"] if one["id"] == started.prediction_id]
    picture = kept["input"].pop(recipe.input_name)
    shown = recipe.model.partition(":")[2] or "hidden"
    assert (started.model, kept["version"], kept["input"]) == (recipe.model, shown, recipe.extra_input)
    (upload,) = [one for one in ledger["objects"]["file"] if one["urls"]["get"] == picture]
    assert (upload["size"], upload["content_type"]) == (len(PHOTO), "image/png")
    asked = json.loads(
        [one for one in ledger["requests"] if one["path"].endswith("/predictions")][-1]["body"]
    )
    assert (asked["webhook"], asked["webhook_events_filter"]) == (WEBHOOK_URL, ["completed"])


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        (401, AccountRefusedError),
        (402, AccountRefusedError),
        (403, AccountRefusedError),
        (404, AccountRefusedError),
        (422, AccountRefusedError),
        (429, BusyError),
        (500, LostReplyError),
        (503, LostReplyError),
    ],
)
def test_each_error_of_a_start_says_whether_to_retry(
    rogue: RogueServer, restorer: ReplicateRestorer, status: int, ours: type[OutsideError]
) -> None:
    problem = b'{"title": "Input validation failed", "detail": "at https://shop.example/a-secret-address"}'
    on_create(rogue, lambda request: request.answer(status, problem))
    with pytest.raises(OutsideError) as raised:
        start(restorer)
    assert type(raised.value) is ours
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("manner", ["hang", "hang_up", "speak_html"])
def test_a_start_without_a_usable_answer_may_have_started(
    rogue: RogueServer, restorer: ReplicateRestorer, manner: str
) -> None:
    def behave(request: RogueHandler) -> None:
        request.answer(201, b"<html>") if manner == "speak_html" else getattr(request, manner)()

    on_create(rogue, behave)
    with pytest.raises(LostReplyError):
        start(restorer)


@pytest.mark.parametrize("manner", ["hang", "hang_up", "speak_html", "fail"])
def test_a_look_without_a_usable_answer_changes_nothing(
    rogue: RogueServer, restorer: ReplicateRestorer, manner: str
) -> None:
    def behave(request: RogueHandler) -> None:
        if manner in {"speak_html", "fail"}:
            request.answer(200 if manner == "speak_html" else 503, b"<html>", Retry_After="60")
        else:
            getattr(request, manner)()

    rogue.manners["GET"] = behave
    before = time.monotonic()
    with pytest.raises(UnavailableError) as raised:
        restorer.look("p1")
    assert not isinstance(raised.value, LostReplyError)
    assert time.monotonic() - before < 2, "the SDK slept for us"


def test_without_a_connection_nothing_was_started() -> None:
    with (
        closing(replicate_restorer("http://127.0.0.1:9")) as restorer,
        pytest.raises(UnavailableError) as raised,
    ):
        start(restorer)
    assert not isinstance(raised.value, LostReplyError)


def test_an_upload_without_an_answer_has_started_nothing(
    rogue: RogueServer, restorer: ReplicateRestorer
) -> None:
    rogue.manners["POST"] = lambda request: request.hang_up()
    with pytest.raises(UnavailableError) as raised:
        start(restorer)
    assert not isinstance(raised.value, LostReplyError)


@pytest.mark.parametrize(
    ("answer", "status", "failure"),
    [
        (b'"starting"', PredictionStatus.RUNNING, None),
        (b'"processing"', PredictionStatus.RUNNING, None),
        (b'"something-new"', PredictionStatus.RUNNING, None),
        (b'"aborted"', PredictionStatus.FAILED, FailureReason.PROVIDER_ERROR),
        (b'"canceled"', PredictionStatus.FAILED, FailureReason.CANCELED),
        (b'"failed", "error": null', PredictionStatus.FAILED, FailureReason.PROVIDER_ERROR),
        (b'"succeeded", "output": null', PredictionStatus.FAILED, FailureReason.BAD_OUTPUT),
        (b'"succeeded", "output": []', PredictionStatus.FAILED, FailureReason.BAD_OUTPUT),
        (b'"succeeded", "output": {"a": 1}', PredictionStatus.FAILED, FailureReason.BAD_OUTPUT),
        (b'"succeeded", "output": "https://x/1"', PredictionStatus.SUCCEEDED, None),
        (b'"succeeded", "output": ["https://x/1", "https://x/2"]', PredictionStatus.SUCCEEDED, None),
    ],
)
def test_every_status_has_a_meaning(
    rogue: RogueServer,
    restorer: ReplicateRestorer,
    answer: bytes,
    status: PredictionStatus,
    failure: FailureReason | None,
) -> None:
    rogue.manners["GET"] = lambda request: request.answer(
        200, b'{"id": "p1", "model": "a/b", "status": %b}' % answer
    )
    prediction = restorer.look("p1")
    assert (prediction.status, prediction.failure) == (status, failure)
    assert prediction.output_url == ("https://x/1" if status is PredictionStatus.SUCCEEDED else None)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("NSFW content detected. Try running it again.", FailureReason.CONTENT_FILTER),
        ("The input or output was flagged as sensitive. (E005) (xyz)", FailureReason.CONTENT_FILTER),
        ("cannot identify image file <_io.BytesIO>", FailureReason.REFUSED_INPUT),
        ("Invalid image: it has no pixels", FailureReason.REFUSED_INPUT),
        ("CUDA out of memory. Tried to allocate 2.00 GiB", FailureReason.PROVIDER_ERROR),
        ("Model ran out of memory (E1001)", FailureReason.PROVIDER_ERROR),
        ("An unknown error occurred. (E1000)", FailureReason.PROVIDER_ERROR),
        ("Failed to upload output. (E9825)", FailureReason.PROVIDER_ERROR),
        ("Service is temporarily unavailable due to high demand. (E003)", FailureReason.PROVIDER_ERROR),
        ("Prediction interrupted; please retry (code: PA)", FailureReason.PROVIDER_ERROR),
        ("The input was invalid. (E006)", FailureReason.REFUSED_INPUT),
        ("Input validation failed: image", FailureReason.REFUSED_INPUT),
        ("All generated images were flagged by the safety checker", FailureReason.CONTENT_FILTER),
        ("Content moderated: try another photo", FailureReason.CONTENT_FILTER),
        ("Request Moderated", FailureReason.CONTENT_FILTER),
        ("Director: unexpected error handling prediction (E6716)", FailureReason.PROVIDER_ERROR),
        ("None", FailureReason.PROVIDER_ERROR),
    ],
)
def test_failures_are_classified_by_their_text(error: str, reason: FailureReason) -> None:
    assert reason_for(error) is reason


def test_a_prediction_id_cannot_change_the_path(rogue: RogueServer, restorer: ReplicateRestorer) -> None:
    rogue.manners["GET"] = lambda request: request.answer(404)
    with pytest.raises(RefusedError):
        restorer.look("../account?x=1")
    assert rogue.seen[0].path == "/v1/predictions/..%2Faccount%3Fx%3D1"


def test_an_output_is_fetched_without_our_token(rogue: RogueServer, restorer: ReplicateRestorer) -> None:
    rogue.manners["GET"] = lambda request: request.answer(200, PHOTO)
    target = io.BytesIO()
    assert restorer.fetch(f"{rogue.url}/out.png", target) == len(PHOTO)
    assert target.getvalue() == PHOTO
    assert REPLICATE_API_TOKEN not in str(rogue.seen[0].headers)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "out.png",
        "http://[",
        "data:image/png;base64,AAAA",
        "file:///etc/passwd",
        "http://replicate.delivery/out.png",
        "https://replicate.delivery.evil.example/out.png",
        "https://evilreplicate.delivery/out.png",
        "https://replicate.delivery:8443/out.png",
        "https://us:er@replicate.delivery/out.png",
        "https://replicate.delivery@evil.example/out.png",
        "https://127.0.0.1/out.png",
        "http://127.0.0.1:22/",
        "http://169.254.169.254/latest/meta-data",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/out.png",
        "https://[::ffff:127.0.0.1]/out.png",
        "https://2130706433/out.png",
        "https://replicate.delivery:80/out.png",
        "https://replicate.delivery:@evil.example/out.png",
        "https://evil.example#@replicate.delivery/out.png",
        "https://evil.example\\@replicate.delivery/out.png",
        "https://*.replicate.delivery.evil.example/out.png",
        "https://replicate.delivery./out.png",
        "ftp://replicate.delivery/out.png",
    ],
)
def test_an_output_is_not_fetched_from(url: str) -> None:
    hosts = frozenset({"replicate.delivery", "*.replicate.delivery"})
    with (
        closing(replicate_restorer("http://127.0.0.1:9", output_hosts=hosts)) as restorer,
        pytest.raises(RefusedError),
    ):
        restorer.fetch(url, io.BytesIO())


@pytest.mark.parametrize("host", ["replicate.delivery", "pb.replicate.delivery", "a.pb.replicate.delivery"])
def test_an_output_is_fetched_from_the_providers_hosts(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def look_up(name: str, *_: Any) -> Any:
        asked.append(name)
        raise socket.gaierror("no name resolution in tests")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    hosts = frozenset({"replicate.delivery", "*.replicate.delivery"})
    restorer = replicate_restorer("http://127.0.0.1:9", output_hosts=hosts)
    with closing(restorer), pytest.raises(UnavailableError):
        restorer.fetch(f"https://{host}/out.png", io.BytesIO())
    assert asked == [host]


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        *((status, RefusedError) for status in (204, 302, 403, 404, 410)),
        *((status, UnavailableError) for status in (429, 500, 503)),
    ],
)
def test_a_missing_output_says_whether_to_retry(
    rogue: RogueServer, restorer: ReplicateRestorer, status: int, ours: type[OutsideError]
) -> None:
    rogue.manners["GET"] = lambda request: request.answer(status, Location=f"{rogue.url}/elsewhere")
    with pytest.raises(OutsideError) as raised:
        restorer.fetch(f"{rogue.url}/out.png", io.BytesIO())
    assert type(raised.value) is ours
    assert len(rogue.seen) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_nowhere_not_even_to_another_allowed_host(
    rogue: RogueServer, status: int
) -> None:
    with rogue_server() as elsewhere:
        elsewhere.manners["GET"] = lambda request: request.answer(200, PHOTO)
        rogue.manners["GET"] = lambda request: request.answer(status, Location=f"{elsewhere.url}/out.png")
        hosts = frozenset({rogue.host, elsewhere.host})
        target = io.BytesIO()
        with (
            closing(replicate_restorer(rogue.url, output_hosts=hosts)) as restorer,
            pytest.raises(RefusedError, match="is redirected"),
        ):
            restorer.fetch(f"{rogue.url}/out.png", target)
        assert (elsewhere.seen, target.getvalue()) == ([], b"")


def test_a_too_large_output_is_refused(rogue: RogueServer, restorer: ReplicateRestorer) -> None:
    rogue.manners["GET"] = lambda request: request.answer(200, bytes(1_001))
    with pytest.raises(RefusedError, match="larger than 1000 bytes"):
        restorer.fetch(f"{rogue.url}/out.png", io.BytesIO())


@pytest.mark.parametrize("manner", ["hang", "hang_up", "break_off"])
def test_an_incomplete_output_can_be_retried(
    rogue: RogueServer, restorer: ReplicateRestorer, manner: str
) -> None:
    def behave(request: RogueHandler) -> None:
        if manner == "break_off":
            request.answer(200, PHOTO[:20], Content_Length=str(len(PHOTO)), Connection="close")
        else:
            getattr(request, manner)()

    rogue.manners["GET"] = behave
    with pytest.raises(UnavailableError):
        restorer.fetch(f"{rogue.url}/out.png", io.BytesIO())


def test_a_slow_output_times_out(
    rogue: RogueServer, restorer: ReplicateRestorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "LONGEST_FETCH_SECONDS", 0.0)
    rogue.manners["GET"] = lambda request: request.answer(200, PHOTO)
    with pytest.raises(UnavailableError, match="an output took over"):
        restorer.fetch(f"{rogue.url}/out.png", io.BytesIO())
