"""The Replicate twin, by the official client and plain HTTP."""

import base64
import hashlib
import re
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from PIL import UnidentifiedImageError
from replicate.client import Client
from replicate.exceptions import ReplicateError
from replicate.webhook import InvalidSignatureError

from sandbox.samples import FOLDER, UNDAMAGED
from tests.sandbox.pictures import decoded, psnr, read
from tests.sandbox.processes import TwinProcess, running_twin
from tests.sandbox.receiver import WebhookReceiver
from tests.sandbox.replicate_client import (
    API_TOKEN,
    GFPGAN,
    OPEN,
    RESTORE_IMAGE,
    WEBHOOK_SECRET,
    ReplicateClient,
    close,
    served_folder,
    small_photo,
    verify,
)
from tests.waiting import eventually

EILEEN = "eileen-before-her-flight.jpg"
KEYS = ("--api-token", API_TOKEN, "--webhook-secret", WEBHOOK_SECRET)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("storage")
    (folder / "small.png").write_bytes(small_photo())
    (folder / "letter.png").write_text("Dear Sirs")
    (folder / EILEEN).write_bytes((FOLDER / EILEEN).read_bytes())
    with served_folder(folder) as address:
        yield address


@pytest.fixture(scope="module")
def replicate_twin() -> Iterator[TwinProcess]:
    with running_twin("replicate", *KEYS) as twin:
        # The suite exceeds an account's rate limit.
        twin.turn(creates_per_minute=None)
        yield twin


@pytest.fixture
def replicate(
    replicate_twin: TwinProcess, receiver: WebhookReceiver, storage: str
) -> Iterator[ReplicateClient]:
    before = replicate_twin.control("GET", "settings")
    with closing(ReplicateClient(replicate_twin, receiver, f"{storage}/small.png")) as replicate:
        yield replicate
    replicate_twin.behave()
    replicate_twin.turn(**before)


def test_the_official_client_gets_a_photo_restored(replicate: ReplicateClient, storage: str) -> None:
    prediction = replicate.client.predictions.create(
        model=RESTORE_IMAGE, input={"input_image": f"{storage}/{EILEEN}", "output_format": "jpg"}
    )
    assert prediction.status in OPEN
    prediction.wait()

    assert prediction.status == "succeeded"
    restored = decoded(httpx2.get(str(prediction.output), trust_env=False).content)
    whole, aged = (read(folder / EILEEN) for folder in (UNDAMAGED, FOLDER))
    assert restored.size == whole.size
    assert psnr(restored, whole) > psnr(aged, whole) + 4


def test_the_twin_describes_itself_as_a_local_preview(replicate: ReplicateClient) -> None:
    assert "Local preview engine" in replicate.run()["logs"]
    assert "Local preview engine" in str(replicate.client.models.get(RESTORE_IMAGE).description)


def test_the_official_client_can_upload_run_and_read(replicate: ReplicateClient, tmp_path: Path) -> None:
    photo = tmp_path / "great-aunt-1931.png"
    photo.write_bytes(small_photo())

    with photo.open("rb") as file:
        output = replicate.client.run(RESTORE_IMAGE, input={"input_image": file})

    # The client makes a FileOutput of https addresses only.
    assert decoded(httpx2.get(str(output), trust_env=False).content).size == (64, 48)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (RESTORE_IMAGE, "input_image"),
        (GFPGAN, "img"),
        ("sczhou/codeformer", "image"),
        ("microsoft/bringing-old-photos-back-to-life", "image"),
    ],
)
def test_every_model_is_run_by_version_with_its_own_input_name(
    replicate: ReplicateClient, model: str, name: str
) -> None:
    version = replicate.client.models.get(model).latest_version
    assert version is not None
    schema = version.openapi_schema["components"]["schemas"]["Input"]
    assert schema["required"] == [name]
    assert schema["properties"][name]["format"] == "uri"

    prediction = replicate.client.predictions.create(version=version.id, input={name: replicate.photo_url})
    prediction.wait()

    assert prediction.status == "succeeded"
    assert prediction.model == model
    assert [one.id for one in replicate.client.models.get(model).versions.list()] == [version.id]


def test_a_prediction_has_the_documented_shape(replicate: ReplicateClient) -> None:
    new, done = (prediction := replicate.create()), replicate.ended(prediction["id"])

    assert re.fullmatch(r"[a-z0-9]{26}", new["id"])
    assert new.keys() == done.keys()
    assert new.keys() == {
        *("id", "model", "version", "input", "output", "logs", "error", "status", "source", "data_removed"),
        *("created_at", "started_at", "completed_at", "metrics", "urls"),
    }
    assert (new["status"], new["output"], new["error"], new["source"]) == ("starting", None, None, "api")
    assert new["urls"]["get"] == f"{replicate.twin.url}/v1/predictions/{new['id']}"
    assert new["urls"]["cancel"] == f"{new['urls']['get']}/cancel"
    assert done["output"] == f"{replicate.twin.url}/pbxt/{new['id']}/out.png"
    assert done["created_at"] <= done["started_at"] <= done["completed_at"]
    assert done["metrics"]["predict_time"] >= 0


def test_a_photo_may_come_inside_the_request(replicate: ReplicateClient) -> None:
    inside = f"data:image/png;base64,{base64.b64encode(small_photo()).decode()}"

    done = replicate.run(input={"input_image": inside})

    assert decoded(httpx2.get(done["output"], trust_env=False).content).size == (64, 48)


def test_an_upload_is_described_and_can_be_deleted(replicate: ReplicateClient, tmp_path: Path) -> None:
    photo = tmp_path / "uncle-in-uniform.png"
    photo.write_bytes(small_photo())

    file = replicate.client.files.create(photo, metadata={"order": "20261122-000001"})

    assert (file.name, file.content_type, file.size) == (photo.name, "image/png", photo.stat().st_size)
    assert file.checksums["sha256"] == hashlib.sha256(small_photo()).hexdigest()
    assert file.metadata == {"order": "20261122-000001"}
    assert replicate.client.files.get(file.id) == file
    assert file in replicate.client.files.list()
    assert replicate.client.files.delete(file.id)
    assert replicate.http.get(f"/v1/files/{file.id}").status_code == 404


def test_requests_need_the_token(replicate: ReplicateClient) -> None:
    for client in (
        httpx2.Client(trust_env=False),
        httpx2.Client(headers={"Authorization": "Bearer r8_x"}, trust_env=False),
    ):
        with client:
            answer = client.get(f"{replicate.twin.url}/v1/predictions")
        assert answer.status_code == 401
        assert answer.json().keys() == {"title", "detail", "status"}
        assert answer.json()["title"] == "Unauthenticated"

    stranger = Client("r8_wrong", base_url=replicate.twin.url)
    with pytest.raises(ReplicateError, match="authentication token"):
        stranger.predictions.list()
    close(stranger)


@pytest.mark.parametrize(
    ("given", "kind", "field", "says"),
    [
        ({}, "required", "input", "input_image is required"),
        ({"image": "https://example.org/a.png"}, "required", "input", "input_image is required"),
        ({"input_image": 7}, "invalid_type", "input.input_image", "Expected: string, given: integer"),
        ({"input_image": "a.png"}, "format", "input.input_image", "Does not match format 'uri'"),
        (
            {"input_image": "https://example.org/a.png", "output_format": "gif"},
            *("enum", "input.output_format", 'one of the following: "jpg", "png"'),
        ),
        (
            {"input_image": "https://example.org/a.png", "safety_tolerance": 9},
            *("number_lte", "input.safety_tolerance", "less than or equal to 2"),
        ),
        (None, "required", "(root)", "input is required"),
    ],
)
def test_an_invalid_input_is_refused_with_the_reason(
    replicate: ReplicateClient, given: object, kind: str, field: str, says: str
) -> None:
    answer = replicate.http.post(f"/v1/models/{RESTORE_IMAGE}/predictions", json={"input": given})

    assert answer.status_code == 422
    problem = answer.json()
    (invalid,) = problem["invalid_fields"]
    assert (problem["title"], problem["status"]) == ("Input validation failed", 422)
    assert (invalid["type"], invalid["field"]) == (kind, field)
    assert says in invalid["description"]
    assert problem["detail"] == f"- {field}: {invalid['description']}\n"


def test_unknown_resources_are_not_found(replicate: ReplicateClient) -> None:
    for path in ("predictions/nothere", "models/no/body", "files/nothere", "nowhere"):
        answer = replicate.http.get(f"/v1/{path}")
        assert (answer.status_code, answer.json()["title"]) == (404, "Not found")

    answer = replicate.http.post("/v1/predictions", json={"version": "0" * 64, "input": {}})
    assert (answer.status_code, answer.json()["title"]) == (422, "Invalid version or not permitted")


@pytest.mark.parametrize("body", [b"", b"[]", b"{"])
def test_a_body_that_is_not_a_json_object_is_refused(replicate: ReplicateClient, body: bytes) -> None:
    assert replicate.http.post("/v1/predictions", content=body).status_code == 422


def test_webhooks_report_every_change_with_valid_signatures(replicate: ReplicateClient) -> None:
    prediction = replicate.client.predictions.create(
        model=RESTORE_IMAGE,
        input={"input_image": replicate.photo_url},
        webhook=replicate.receiver.url,
        webhook_events_filter=["start", "output", "logs", "completed"],
    )

    webhooks = eventually(lambda: all_ if len(all_ := replicate.received(prediction.id)) == 4 else None)

    for one in webhooks:
        verify(one)
        with pytest.raises(InvalidSignatureError):
            verify(one, "whsec_c29tZWJvZHkgZWxzZQ==")
    assert len({one.headers["webhook-id"] for one in webhooks}) == 4
    by_event = {one.headers["webhook-id"].rpartition("_")[2]: one.json for one in webhooks}
    assert by_event["start"]["status"] == "processing"
    assert by_event["completed"] == replicate.get(prediction.id)
    assert replicate.client.webhooks.default.secret().key == WEBHOOK_SECRET


def test_only_requested_events_are_sent(replicate: ReplicateClient) -> None:
    only_end = replicate.create(webhook=replicate.receiver.url, webhook_events_filter=["completed"])
    as_usual = replicate.create(webhook=replicate.receiver.url)
    none = replicate.create()
    for prediction in (only_end, as_usual, none):
        replicate.ended(prediction["id"])

    eventually(lambda: len(replicate.receiver.received) == 3)
    assert (len(replicate.received(only_end["id"])), len(replicate.received(as_usual["id"]))) == (1, 2)


def test_only_the_end_is_retried_until_received(replicate: ReplicateClient) -> None:
    replicate.receiver.answers[:] = [500, 500, 500]

    prediction = replicate.create(
        webhook=replicate.receiver.url, webhook_events_filter=["start", "completed"]
    )

    def attempts() -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for one in replicate.received(prediction["id"]):
            found.setdefault(one.headers["webhook-id"].rpartition("_")[2], []).append(one.answered)
        return found

    eventually(lambda: attempts().get("completed", [0])[-1] == 200)
    assert attempts() == {"start": [500], "completed": [500, 500, 200]}
    for one in replicate.received(prediction["id"]):
        verify(one)


def test_a_webhook_that_is_not_an_address_is_refused(replicate: ReplicateClient) -> None:
    for wrong in (
        {"webhook": "shop.example"},
        {"webhook": replicate.receiver.url, "webhook_events_filter": ["end"]},
    ):
        answer = replicate.http.post(
            f"/v1/models/{RESTORE_IMAGE}/predictions",
            json={"input": {"input_image": replicate.photo_url}, **wrong},
        )
        assert answer.status_code == 422


def test_the_webhook_of_the_end_can_be_duplicated_or_lost(replicate: ReplicateClient) -> None:
    replicate.twin.misbehave("webhook:completed", "twice")
    replicate.twin.misbehave("webhook:completed", "never")

    doubled = replicate.create(webhook=replicate.receiver.url, webhook_events_filter=["completed"])["id"]
    eventually(lambda: len(replicate.received(doubled)) == 2)
    lost = replicate.run(webhook=replicate.receiver.url, webhook_events_filter=["completed"])["id"]

    first, second = replicate.received(doubled)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert replicate.received(lost) == []
    replicate.twin.control("POST", f"webhooks/msg_{lost}_completed/deliver")
    assert replicate.end_webhook(lost).json["status"] == "succeeded"


def test_a_cancelled_prediction_ends_and_sends_its_webhook(replicate: ReplicateClient) -> None:
    replicate.twin.misbehave("prediction", "never_end")
    prediction = replicate.client.predictions.create(
        model=RESTORE_IMAGE,
        input={"input_image": replicate.photo_url},
        webhook=replicate.receiver.url,
        webhook_events_filter=["completed"],
    )
    eventually(lambda: replicate.get(prediction.id)["status"] == "processing")

    prediction.cancel()

    assert replicate.get(prediction.id)["status"] == "canceled"
    assert replicate.end_webhook(prediction.id).json["status"] == "canceled"


def test_an_ended_prediction_cannot_be_cancelled(replicate: ReplicateClient) -> None:
    done = replicate.run()

    answer = replicate.http.post(f"/v1/predictions/{done['id']}/cancel")

    assert (answer.status_code, answer.json()) == (200, done)


def test_a_prediction_cancelled_before_its_start_never_runs(replicate: ReplicateClient) -> None:
    replicate.twin.turn(start_delay_seconds=1.5)
    prediction = replicate.create()
    replicate.client.predictions.cancel(prediction["id"])
    later = replicate.create()

    replicate.ended(later["id"])

    cancelled = replicate.get(prediction["id"])
    assert (cancelled["status"], cancelled["started_at"]) == ("canceled", None)


def test_cancel_after_cancels_running_and_aborts_waiting_predictions(replicate: ReplicateClient) -> None:
    replicate.twin.misbehave("prediction", "never_end")
    runs = replicate.create(headers={"Cancel-After": "0.2s"})
    eventually(lambda: replicate.get(runs["id"])["status"] == "processing")
    replicate.twin.turn(start_delay_seconds=60)
    waits = replicate.create(headers={"Cancel-After": "0.2"})

    assert replicate.ended(runs["id"])["status"] == "canceled"
    assert replicate.ended(waits["id"])["status"] == "aborted"
    with pytest.raises(httpx2.HTTPStatusError, match="422"):
        replicate.create(headers={"Cancel-After": "soon"})


def test_prefer_wait_answers_with_the_end(replicate: ReplicateClient) -> None:
    assert replicate.create(headers={"Prefer": "wait"})["status"] == "succeeded"

    replicate.twin.misbehave("prediction", "never_end")
    answer = replicate.http.post(
        f"/v1/models/{RESTORE_IMAGE}/predictions",
        json={"input": {"input_image": replicate.photo_url}},
        headers={"Prefer": "wait=0.2"},
    )
    assert (answer.status_code, answer.json()["status"]) == (202, "processing")


def test_an_unreadable_or_missing_input_fails_with_text(replicate: ReplicateClient, storage: str) -> None:
    email_content = replicate.run(input={"input_image": f"{storage}/letter.png"})
    nowhere = replicate.run(input={"input_image": f"{storage}/nowhere.png"})

    assert (email_content["status"], nowhere["status"]) == ("failed", "failed")
    assert "cannot identify image" in email_content["error"]
    assert "404" in nowhere["error"]
    assert (email_content["output"], nowhere["output"]) == (None, None)


def test_a_fault_can_fail_a_prediction_with_any_text(replicate: ReplicateClient) -> None:
    refusal = "NSFW content detected. Try running it again, or try a different prompt. (E005)"
    replicate.twin.misbehave("prediction", "fail", options={"error": refusal})
    replicate.twin.misbehave(f"prediction:{GFPGAN}", "fail")

    refused, well = replicate.run(webhook=replicate.receiver.url), replicate.run()
    crashed = replicate.run(GFPGAN, input={"img": replicate.photo_url})

    assert (refused["status"], refused["error"], refused["output"]) == ("failed", refusal, None)
    assert replicate.end_webhook(refused["id"]).json["error"] == refusal
    assert well["status"] == "succeeded"
    assert "CUDA out of memory" in crashed["error"]


def test_a_fault_can_abort_a_prediction(replicate: ReplicateClient) -> None:
    replicate.twin.misbehave("prediction", "abort")

    aborted = replicate.run(webhook=replicate.receiver.url)

    assert (aborted["status"], aborted["started_at"]) == ("aborted", None)
    assert replicate.end_webhook(aborted["id"]).json["status"] == "aborted"


def test_a_fault_can_make_an_output_wrong_corrupt_missing_or_none(replicate: ReplicateClient) -> None:
    outputs = {}
    for action in (
        "small_output",
        "wrong_output",
        "other_output",
        "corrupt_output",
        "missing_output",
        "succeed_without_output",
    ):
        replicate.twin.misbehave("prediction", action)
        done = replicate.run()
        assert done["status"] == "succeeded"
        outputs[action] = done["output"] and httpx2.get(done["output"], trust_env=False)

    assert decoded(outputs["small_output"].content).size == (38, 29)
    assert decoded(outputs["wrong_output"].content).size != (64, 48)
    assert decoded(outputs["other_output"].content).size == (64, 48)
    with pytest.raises(UnidentifiedImageError):
        decoded(outputs["corrupt_output"].content)
    assert outputs["missing_output"].status_code == 404
    assert outputs["succeed_without_output"] is None


def test_requests_can_be_refused_throttled_and_lost(replicate: ReplicateClient) -> None:
    path = f"/v1/models/{RESTORE_IMAGE}/predictions"
    body = {"input": {"input_image": replicate.photo_url}}
    replicate.twin.misbehave(f"POST {path}", "status", status=429, headers={"Retry-After": "7"})
    replicate.twin.misbehave(f"POST {path}", "lose_reply")

    throttled = replicate.http.post(path, json=body)
    before = len(replicate.http.get("/v1/predictions").json()["results"])
    with pytest.raises(httpx2.RemoteProtocolError):
        replicate.http.post(path, json=body)

    assert (throttled.status_code, throttled.headers["Retry-After"]) == (429, "7")
    # The reply was lost, not the request.
    assert len(replicate.http.get("/v1/predictions").json()["results"]) == before + 1


def test_more_predictions_than_the_limit_have_to_wait(replicate: ReplicateClient) -> None:
    replicate.create()
    replicate.twin.turn(creates_per_minute=1)

    answer = replicate.http.post(
        f"/v1/models/{RESTORE_IMAGE}/predictions", json={"input": {"input_image": replicate.photo_url}}
    )

    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.json()["status"] == 429
    assert replicate.http.get("/v1/predictions").is_success


def test_an_output_expires(replicate: ReplicateClient) -> None:
    done = replicate.run()
    assert httpx2.get(done["output"], trust_env=False).headers["content-type"] == "image/png"

    replicate.twin.turn(output_lifetime_seconds=0)
    forgotten = eventually(lambda: now if (now := replicate.get(done["id"]))["data_removed"] else None)

    assert httpx2.get(done["output"], trust_env=False).status_code == 404
    assert (forgotten["input"], forgotten["output"], forgotten["logs"]) == ({}, None, "")
    assert forgotten["status"] == "succeeded"


def test_predictions_are_listed_newest_first_page_by_page(replicate: ReplicateClient) -> None:
    replicate.twin.turn(engine="copy")
    created = [replicate.create()["id"] for _ in range(105)]

    official = replicate.client.predictions.list()
    assert official.next is not None
    first = replicate.http.get("/v1/predictions").json()
    second = replicate.http.get(official.next).json()
    back = replicate.http.get(second["previous"]).json()

    assert [one.id for one in official] == [one["id"] for one in first["results"]] == created[:4:-1]
    assert [one["id"] for one in second["results"]][:5] == created[4::-1]
    assert first["previous"] is None
    assert [one["id"] for one in back["results"]] == [one["id"] for one in first["results"]]
    assert replicate.http.get("/v1/predictions", params={"cursor": "x"}).status_code == 400


def test_the_copy_engine_returns_the_same_bytes(replicate: ReplicateClient, storage: str) -> None:
    replicate.twin.turn(engine="copy")

    done = replicate.run(input={"input_image": f"{storage}/{EILEEN}"})

    assert httpx2.get(done["output"], trust_env=False).content == (FOLDER / EILEEN).read_bytes()
    assert done["output"].endswith(".jpg")


def test_the_twin_answers_at_once_while_it_restores(replicate: ReplicateClient, storage: str) -> None:
    busy = [replicate.create(input={"input_image": f"{storage}/{EILEEN}"})["id"] for _ in range(2)]

    waits = []
    while any(replicate.get(one)["status"] != "succeeded" for one in busy):
        start = time.monotonic()
        replicate.http.get("/v1/account")
        waits.append(time.monotonic() - start)

    assert statistics.median(waits) < 0.1


def test_the_account_is_returned(replicate: ReplicateClient) -> None:
    assert replicate.client.accounts.current().username == "sandbox"


def test_a_killed_twin_finishes_its_predictions_after_a_restart(
    tmp_path: Path, receiver: WebhookReceiver, storage: str
) -> None:
    arguments = ("--data", str(tmp_path), *KEYS)
    with (
        running_twin("replicate", *arguments) as first,
        closing(ReplicateClient(first, receiver, f"{storage}/small.png")) as replicate,
    ):
        done = replicate.run()
        first.misbehave("prediction", "never_end")
        running = replicate.create(webhook=receiver.url, webhook_events_filter=["completed"])
        eventually(lambda: replicate.get(running["id"])["status"] == "processing")
        first.kill()

        with running_twin("replicate", *arguments, "--port", first.port):
            assert replicate.ended(running["id"])["status"] == "succeeded"
            assert replicate.end_webhook(running["id"]).json["id"] == running["id"]
            assert replicate.get(done["id"]) == done
            assert decoded(httpx2.get(done["output"], trust_env=False).content).size == (64, 48)


def test_another_seed_gives_another_output_and_the_same_seed_the_same(replicate: ReplicateClient) -> None:
    first, second, repeated, third = (
        httpx2.get(
            replicate.run(input={"input_image": replicate.photo_url, "seed": seed})["output"], trust_env=False
        ).content
        for seed in (None, 1, 1, 2)
    )
    assert second == repeated
    assert len({first, second, third}) == 3


def test_a_picture_is_enlarged_by_the_scale_that_is_asked_for(replicate: ReplicateClient) -> None:
    done = replicate.run("nightmareai/real-esrgan", input={"image": replicate.photo_url, "scale": 2})
    assert decoded(httpx2.get(done["output"], trust_env=False).content).size == (128, 96)


def test_the_enlarging_model_fails_at_a_scale_it_has_no_memory_for(replicate: ReplicateClient) -> None:
    done = replicate.run("nightmareai/real-esrgan", input={"image": replicate.photo_url, "scale": 0})
    assert (done["status"], "smaller scale" in done["error"]) == ("failed", True)
