import asyncio
import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from litestar.testing import TestClient
from structlog.testing import capture_logs

from adapters.images import FORMATS
from adapters.system import TemporaryFiles
from domain.ports.errors import UnavailableError
from entrypoints.http import request_bodies
from entrypoints.http.api.uploads import ACCEPTED_MEDIA_TYPES
from tests.doubles.container import POLICY
from tests.entrypoints.support.http_fixtures import (
    PORTRAIT,
    ApiClient,
    HttpShop,
    application,
    assert_problem,
    post_scope,
)

LIMIT_BYTES = 3 * request_bodies.BATCH_BYTES


@pytest.fixture
def limited_api() -> Iterator[ApiClient]:
    """An HTTP API that accepts two photos of three mebibytes."""
    shop = HttpShop(
        replace(POLICY, uploads=replace(POLICY.uploads, max_photo_bytes=LIMIT_BYTES, max_photos=2))
    )
    with TestClient(application(shop), raise_server_exceptions=False) as http:
        yield ApiClient(shop, http)


class Sender:
    """A client that sends chunks without a length, and may then stall."""

    def __init__(self, chunk: bytes, chunks: int, *, then: str = "end") -> None:
        self.answer: dict[str, Any] = {}
        self.sent = 0
        self._chunk = chunk
        self._chunks = chunks
        self._then = then

    async def receive(self) -> dict[str, Any]:
        if self.sent < self._chunks:
            self.sent += 1
            is_last = self.sent == self._chunks and self._then == "end"
            return {"type": "http.request", "body": self._chunk, "more_body": not is_last}
        if self._then == "silence":
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.answer |= message

    def post_to(self, shop: HttpShop, path: str, content_type: str = "image/jpeg") -> int:
        scope = post_scope(path, content_type)
        asyncio.run(application(shop)(scope, self.receive, self.send))  # type: ignore[arg-type]
        status: int = self.answer["status"]
        return status


def test_a_new_session_returns_where_photos_go_and_what_is_accepted(api: ApiClient) -> None:
    answer = api.http.post("/api/uploads")
    body = answer.json()
    assert answer.status_code == 201
    assert body["photos_url"] == f"https://shop.example/api/uploads/{body['session_id']}/photos"
    assert (body["expires_in_days"], body["max_photos"], body["max_photo_bytes"]) == (
        7,
        200,
        50 * 1024 * 1024,
    )
    assert {"image/jpeg", "image/png", "image/heic"} <= set(body["accepted_media_types"])


def test_a_session_names_every_format_that_the_inspector_reads() -> None:
    assert {f"image/{name.lower()}" for name in FORMATS} | {"image/heic"} == set(ACCEPTED_MEDIA_TYPES)


def test_a_photo_is_taken_byte_for_byte(api: ApiClient) -> None:
    session_id = api.open_session()
    answer = api.send_photo(session_id)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["file_name"], body["size_bytes"]) == ("great-aunt-1931.jpg", len(PORTRAIT))
    assert (body["media_type"], body["width"], body["height"]) == ("image/png", 1200, 900)
    assert api.shop.storage.objects == {f"uploads/temp/{session_id}/{body['photo_id']}": PORTRAIT}


def test_a_photo_of_many_batches_is_taken_byte_for_byte(limited_api: ApiClient) -> None:
    whole = bytes(range(256)) * (LIMIT_BYTES // 256)
    answer = limited_api.send_photo(limited_api.open_session(), whole)
    assert answer.status_code == 201
    assert list(limited_api.shop.storage.objects.values()) == [whole]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/great-aunt.jpg", "great-aunt.jpg"),
        ("C:\\Photos\\Tante Käthe.jpg", "Tante Käthe.jpg"),
        ("a\x01b\r\nc\u202egpj.jpg", "abcgpj.jpg"),
        ("x" * 300, "x" * 255),
        ("", "photo"),
        ("photos/", "photo"),
    ],
)
def test_a_file_name_is_kept_without_what_could_do_harm(api: ApiClient, given: str, kept: str) -> None:
    assert api.send_photo(api.open_session(), file_name=given).json()["file_name"] == kept


def test_a_session_shows_its_photos_and_their_price(api: ApiClient) -> None:
    session_id = api.open_session()
    assert api.http.get(f"/api/uploads/{session_id}").json()["quote"] is None
    api.send_photo(session_id)
    api.send_photo(session_id, b"a wedding", "wedding-1952.jpg")
    body = api.http.get(f"/api/uploads/{session_id}").json()
    assert body["status"] == "open"
    assert [photo["file_name"] for photo in body["photos"]] == ["great-aunt-1931.jpg", "wedding-1952.jpg"]
    assert body["quote"] == {"amount": 980, "currency": "EUR"}
    assert (body["checkout"], body["order_id"], body["order_url"]) == (None, None, None)


def test_a_session_shows_its_order_once_it_is_paid(api: ApiClient) -> None:
    session_id = api.open_session()
    api.send_photo(session_id)
    order_id = api.shop.pay(session_id)
    body = api.http.get(f"/api/uploads/{session_id}").json()
    assert (body["status"], body["checkout"]) == ("paid", None)
    assert body["order_id"] == str(order_id)
    assert body["order_url"] == f"https://shop.example/api/orders/{order_id}"


def test_what_is_no_picture_is_refused_with_advice_and_the_others_go_on(api: ApiClient) -> None:
    session_id = api.open_session()
    refused = assert_problem(api.send_photo(session_id, b"broken"), 422, "photo-unreadable")
    advice = "Please send a JPEG, PNG, WebP, TIFF, HEIC or AVIF file."
    assert refused["detail"] == f"This file is not a picture we can read. {advice}"
    assert api.send_photo(session_id).status_code == 201
    assert len(api.shop.upload_service.find(session_id).photos) == 1
    assert len(api.shop.storage.objects) == 1


@pytest.mark.parametrize(
    ("accept_language", "words"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "Diese Datei ist kein Bild"),
        ("en-GB,de;q=0.5", "This file is not a picture"),
        ("", "This file is"),
    ],
)
def test_the_advice_about_a_refused_photo_is_in_the_senders_language(
    api: ApiClient, accept_language: str, words: str
) -> None:
    api.http.headers["Accept-Language"] = accept_language
    refused = assert_problem(api.send_photo(api.open_session(), b"broken"), 422, "photo-unreadable")
    assert refused["detail"].startswith(words)


def test_a_chosen_language_wins_over_the_browsers(api: ApiClient) -> None:
    api.http.headers["Accept-Language"] = "en"
    api.http.cookies.set("language", "de")
    refused = assert_problem(api.send_photo(api.open_session(), b"broken"), 422, "photo-unreadable")
    assert refused["detail"].startswith("Diese Datei ist kein Bild")


def test_an_announced_size_over_the_limit_is_refused_before_a_byte_is_taken(limited_api: ApiClient) -> None:
    session_id = limited_api.open_session()
    refused = assert_problem(
        limited_api.send_photo(session_id, bytes(LIMIT_BYTES + 1)), 413, "body-too-large"
    )
    assert "3 MiB" in refused["detail"]
    assert limited_api.shop.storage.objects == {}


def test_an_unannounced_body_is_refused_as_soon_as_it_is_too_large(limited_api: ApiClient) -> None:
    session_id = limited_api.open_session()
    sender = Sender(bytes(1024 * 1024), chunks=1000)
    assert sender.post_to(limited_api.shop, f"/api/uploads/{session_id}/photos") == 413
    assert sender.sent == 4
    assert limited_api.shop.storage.objects == {}


def test_a_body_that_never_ends_is_given_up(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_bodies, "PATIENCE_SECONDS", 0.05)
    path = f"/api/uploads/{api.open_session()}/photos"
    assert Sender(b"a first chunk", chunks=1, then="silence").post_to(api.shop, path) == 408
    assert api.shop.storage.objects == {}


def test_a_body_that_is_cut_short_is_no_photo(api: ApiClient) -> None:
    path = f"/api/uploads/{api.open_session()}/photos"
    assert Sender(b"half a photo", chunks=1, then="hang up").post_to(api.shop, path) == 400
    assert api.shop.storage.objects == {}


def test_an_empty_body_is_refused(api: ApiClient) -> None:
    assert_problem(api.send_photo(api.open_session(), b""), 400, "body-empty")


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data; boundary=x", "text/plain", "application/json"]
)
def test_a_form_is_refused_with_the_way_to_send_a_photo(api: ApiClient, content_type: str) -> None:
    answer = api.send_photo(api.open_session(), **{"Content-Type": content_type})
    assert "application/octet-stream" in assert_problem(answer, 415, "photo-not-raw")["detail"]


def test_a_photo_for_no_session_is_refused_unread(api: ApiClient) -> None:
    sender = Sender(PORTRAIT, chunks=1)
    assert sender.post_to(api.shop, f"/api/uploads/{uuid4()}/photos") == 404
    assert sender.sent == 0
    assert_problem(api.send_photo(uuid4()), 404, "upload-session-unknown")


def test_a_session_takes_no_more_photos_than_an_order_may_hold(limited_api: ApiClient) -> None:
    session_id = limited_api.open_session()
    for photo in (b"1", b"2"):
        assert limited_api.send_photo(session_id, photo).status_code == 201
    assert_problem(limited_api.send_photo(session_id, b"3"), 409, "too-many-photos")
    assert limited_api.send_photo(session_id, b"2").status_code == 200  # its first response was lost


def test_a_session_whose_price_is_quoted_takes_no_more_photos(api: ApiClient) -> None:
    session_id = api.shop.upload(PORTRAIT)
    api.shop.checkout_service.open(session_id, email=None)
    assert_problem(api.send_photo(session_id), 409, "upload-session-closed")


def test_an_unreachable_storage_is_reported_with_a_retry_time(api: ApiClient) -> None:
    session_id = api.open_session()
    api.shop.storage.fault_injector.fail(
        "put", UnavailableError("The storage", "at 10.0.0.7", retry_after_seconds=2.5)
    )
    answer = api.send_photo(session_id)
    assert assert_problem(answer, 503, "unavailable")["detail"].endswith("try again in 3 seconds.")
    assert answer.headers["retry-after"] == "3"
    assert "10.0.0.7" not in answer.text
    assert api.send_photo(session_id).status_code == 201


def test_a_full_disk_is_reported_with_a_retry_time(
    api: ApiClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.shop.scratch, "file", TemporaryFiles(tmp_path).file)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * 1024, before[1]))
    try:
        refused = api.send_photo(session := api.open_session(), content=bytes(9 * 1024 * 1024))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    problem = assert_problem(refused, 503, "unavailable")
    assert problem["detail"] == "The disk for temporary files is not available: try again in 30 seconds."
    assert refused.headers["Retry-After"] == "30"
    assert api.send_photo(session, content=bytes(9 * 1024 * 1024)).status_code == 201


@pytest.mark.parametrize("path", ["/api/uploads/{}/photos", "/api/checkout-sessions", "/api/webhooks/stripe"])
def test_a_client_that_hangs_up_amid_its_body_is_no_error_in_the_log(path: str) -> None:
    shop = HttpShop()
    with capture_logs() as logs:
        content_type = "image/jpeg" if "photos" in path else "application/json"
        sender = Sender(b'{"', 2, then="hang up")
        assert sender.post_to(shop, path.format(shop.upload_service.open().session_id), content_type) == 400
    assert {line["log_level"] for line in logs} == {"info"}
    assert logs[-1]["problem"] == "body-incomplete"
