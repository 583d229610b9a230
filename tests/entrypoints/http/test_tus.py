"""Resumable uploads by the protocol's own cases."""

import base64
import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from litestar.testing import TestClient

from domain.order.values import UploadSessionId
from domain.ports.errors import UnavailableError
from domain.ports.resumable_uploads import ResumableUploadId
from domain.use_cases.checkout import resumable_uploads
from domain.use_cases.checkout.resumable_uploads import UnknownUploadError
from entrypoints.http import request_bodies, resumable_bodies
from tests.doubles.container import POLICY
from tests.entrypoints.support.http_fixtures import (
    PORTRAIT,
    ApiClient,
    HttpShop,
    application,
    assert_problem,
)
from tests.entrypoints.support.tus_client import (
    NAMED,
    PIECE,
    TUS,
    BrokenLine,
    begin,
    encoded,
    offset,
    photos,
    send,
)


@pytest.fixture
def limited() -> Iterator[ApiClient]:
    """An HTTP API that accepts two photos of 100 bytes."""
    shop = HttpShop(replace(POLICY, uploads=replace(POLICY.uploads, max_photo_bytes=100, max_photos=2)))
    with TestClient(application(shop), raise_server_exceptions=False) as http:
        yield ApiClient(shop, http)


def test_the_server_describes_itself(api: ApiClient) -> None:
    answer = api.http.options(f"/api/uploads/{uuid4()}/tus")
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-max-size"] == str(50 * 1024 * 1024)
    assert set(answer.headers["tus-extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "expiration",
        "checksum",
        "termination",
    }
    assert answer.headers["tus-checksum-algorithm"] == "sha1,sha256"


def test_a_photo_sent_in_pieces_is_the_photo_that_one_request_would_add(api: ApiClient) -> None:
    path = begin(api)
    assert offset(api, path) == 0
    first = send(api, path, PORTRAIT[:10])
    assert (first.status_code, first.headers["upload-offset"]) == (204, "10")
    assert (offset(api, path), photos(api, path)) == (10, [])
    last = send(api, path, PORTRAIT[10:], 10)
    assert (last.status_code, last.headers["upload-offset"]) == (204, str(len(PORTRAIT)))
    (photo,) = photos(api, path)
    assert (photo["photo_id"], photo["file_name"]) == (last.headers["photo-id"], "great-aunt-1931.jpg")
    assert photo["sha256"] == hashlib.sha256(PORTRAIT).hexdigest()
    assert list(api.shop.storage.objects.values()) == [PORTRAIT]  # the pieces are deleted


def test_the_first_piece_may_come_with_the_creation(api: ApiClient) -> None:
    address = f"/api/uploads/{api.open_session()}/tus"
    headers = {**PIECE, **NAMED, "Upload-Length": str(len(PORTRAIT))}
    part = api.http.post(address, headers=headers, content=PORTRAIT[:5])
    assert (part.status_code, part.headers["upload-offset"]) == (201, "5")
    assert offset(api, part.headers["location"]) == 5
    whole = api.http.post(address, headers=headers, content=PORTRAIT)
    assert (whole.status_code, whole.headers["upload-offset"]) == (201, str(len(PORTRAIT)))
    assert len(photos(api, address)) == 1


def test_a_look_at_an_upload_is_never_cached_and_shows_what_was_announced(api: ApiClient) -> None:
    answer = api.http.head(begin(api), headers=TUS)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["upload-length"] == str(len(PORTRAIT))
    assert answer.headers["upload-metadata"] == NAMED["Upload-Metadata"]
    assert answer.headers["upload-expires"] == "Sat, 21 Mar 2026 15:09:26 GMT"
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert not {"content-type", "content-length"} & set(answer.headers), "there is no body that they describe"


def test_a_complete_upload_says_so_again_when_its_answer_was_lost(api: ApiClient) -> None:
    path = begin(api)
    photo_id = send(api, path, PORTRAIT).headers["photo-id"]
    looked = api.http.head(path, headers=TUS)
    assert (looked.headers["photo-id"], looked.headers["upload-duplicate"]) == (photo_id, "false")
    again = send(api, path, b"", len(PORTRAIT))
    assert (again.status_code, again.headers["photo-id"]) == (204, photo_id)
    assert len(photos(api, path)) == 1


def test_the_same_bytes_again_are_a_duplicate(api: ApiClient) -> None:
    session_id = api.open_session()
    answers = [send(api, begin(api, session_id=session_id), PORTRAIT) for _ in range(2)]
    assert [answer.headers["upload-duplicate"] for answer in answers] == ["false", "true"]
    assert answers[0].headers["photo-id"] == answers[1].headers["photo-id"]


@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
@pytest.mark.parametrize("version", [None, "0.2.2"])
def test_another_version_of_the_protocol_is_refused(api: ApiClient, method: str, version: str | None) -> None:
    path = begin(api)
    address = path.rpartition("/")[0] if method == "POST" else path
    answer = api.http.request(method, address, headers={"Tus-Resumable": version} if version else {})
    assert (answer.status_code, answer.headers["tus-version"]) == (412, "1.0.0")
    assert offset(api, path) == 0


def test_a_piece_for_another_offset_is_refused_and_changes_nothing(api: ApiClient) -> None:
    path = begin(api)
    for wrong in (1, 10):
        answer = send(api, path, PORTRAIT, wrong)
        assert_problem(answer, 409, "offset-mismatch")
        assert answer.headers["tus-resumable"] == "1.0.0"
    assert offset(api, path) == 0


def test_a_piece_of_another_content_type_is_refused(api: ApiClient) -> None:
    path = begin(api)
    answer = send(api, path, PORTRAIT, headers={"Content-Type": "image/jpeg"})
    assert_problem(answer, 415, "piece-not-offset")
    created = api.http.post(
        path.rpartition("/")[0], headers={**TUS, "Upload-Length": "5"}, content=PORTRAIT[:5]
    )
    assert_problem(created, 415, "piece-not-offset")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Upload-Length", ""),
        ("Upload-Length", "-1"),
        ("Upload-Length", "1e3"),
        ("Upload-Length", "9" * 30),
        ("Upload-Metadata", "filename not/base64?"),
        ("Upload-Metadata", "filename /w=="),
        ("Upload-Metadata", f"filename {encoded('a' * 4000)}"),
        ("Upload-Checksum", "sha1 ?"),
        ("Upload-Checksum", "crc32 AAAA"),
    ],
)
def test_malformed_headers_are_refused(api: ApiClient, header: str, value: str) -> None:
    answer = api.http.post(
        f"/api/uploads/{api.open_session()}/tus", headers={**TUS, "Upload-Length": "10", header: value}
    )
    assert header in assert_problem(answer, 400, "tus-header-malformed")["detail"]


def test_a_malformed_offset_is_refused(api: ApiClient) -> None:
    answer = send(api, begin(api), PORTRAIT, headers={"Upload-Offset": "first"})
    assert_problem(answer, 400, "tus-header-malformed")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_piece_is_kept_only_with_its_checksum(api: ApiClient, algorithm: str) -> None:
    path = begin(api)
    digest = base64.b64encode(hashlib.new(algorithm, PORTRAIT[:10]).digest()).decode()
    headers = {"Upload-Checksum": f"{algorithm} {digest}"}
    assert_problem(send(api, path, PORTRAIT[1:11], headers=headers), 460, "checksum-mismatch")
    assert offset(api, path) == 0
    assert send(api, path, PORTRAIT[:10], headers=headers).status_code == 204
    assert offset(api, path) == 10


def test_a_piece_whose_line_broke_is_not_kept_without_its_checksum(api: ApiClient) -> None:
    path = begin(api)
    checksum = f"sha1 {base64.b64encode(hashlib.sha1(PORTRAIT, usedforsecurity=False).digest()).decode()}"
    BrokenLine(PORTRAIT[:10]).patch(api, path, headers={"upload-checksum": checksum})
    assert offset(api, path) == 0


def test_a_photo_over_the_limit_is_refused_before_a_byte_is_sent(limited: ApiClient) -> None:
    answer = limited.http.post(
        f"/api/uploads/{limited.open_session()}/tus", headers={**TUS, "Upload-Length": "101"}
    )
    assert_problem(answer, 413, "body-too-large")


def test_an_empty_upload_is_refused(api: ApiClient) -> None:
    answer = api.http.post(f"/api/uploads/{api.open_session()}/tus", headers={**TUS, "Upload-Length": "0"})
    assert_problem(answer, 400, "body-empty")


def test_a_piece_beyond_the_announced_length_is_refused(api: ApiClient) -> None:
    path = begin(api)
    assert_problem(send(api, path, PORTRAIT + b"!"), 413, "body-too-large")
    line = BrokenLine(PORTRAIT, b"!")
    line.patch(api, path)
    assert line.status == 413
    assert (offset(api, path), photos(api, path)) == (0, [])


def test_a_canceled_upload_is_gone_with_its_bytes_and_its_photo(api: ApiClient) -> None:
    half, whole = begin(api), begin(api)
    send(api, half, PORTRAIT[:10])
    send(api, whole, PORTRAIT)
    for path in (half, whole):
        assert api.http.delete(path, headers=TUS).status_code == 204
        assert api.http.head(path, headers=TUS).status_code == 404
        assert_problem(send(api, path, PORTRAIT), 404, "upload-unknown")
        assert api.http.delete(path, headers=TUS).status_code == 404
        assert photos(api, path) == []
    assert not any(
        b"great" in content[:10] for content in api.shop.storage.objects.values() if len(content) == 10
    )


def test_canceling_a_duplicate_leaves_the_photo_that_was_first(api: ApiClient) -> None:
    session_id = api.open_session()
    first, second = (begin(api, session_id=session_id) for _ in range(2))
    for path in (first, second):
        send(api, path, PORTRAIT)
    api.http.delete(second, headers=TUS)
    assert len(photos(api, first)) == 1


def test_an_upload_belongs_to_its_session(api: ApiClient) -> None:
    path = begin(api)
    foreign = f"/api/uploads/{api.open_session()}/tus/{path.rpartition('/')[2]}"
    assert api.http.head(foreign, headers=TUS).status_code == 404
    assert_problem(send(api, foreign, PORTRAIT), 404, "upload-unknown")
    assert api.http.delete(foreign, headers=TUS).status_code == 404
    assert offset(api, path) == 0


def test_an_upload_needs_an_open_session(api: ApiClient) -> None:
    unknown = api.http.post(f"/api/uploads/{uuid4()}/tus", headers={**TUS, "Upload-Length": "5"})
    assert_problem(unknown, 404, "upload-session-unknown")
    session_id = api.shop.upload(b"a wedding")
    path = begin(api, session_id=session_id)
    api.shop.checkout_service.open(session_id, email=None)
    assert_problem(send(api, path, PORTRAIT), 409, "upload-session-closed")


def test_uploads_of_a_session_are_limited(limited: ApiClient) -> None:
    session_id = limited.open_session()
    for _ in range(6):
        begin(limited, session_id=session_id)
    address, headers = f"/api/uploads/{session_id}/tus", {**TUS, "Upload-Length": "5"}
    assert_problem(limited.http.post(address, headers=headers), 409, "too-many-uploads")
    full = limited.shop.upload(b"1", b"2")
    refused = limited.http.post(f"/api/uploads/{full}/tus", headers=headers)
    assert_problem(refused, 409, "too-many-photos")


def test_a_refused_photo_is_answered_as_one_sent_in_one_request(api: ApiClient) -> None:
    path = begin(api, 12)
    send(api, path, b"brok")
    answer = send(api, path, b"en photo", 4, {"Accept-Language": "de"})
    assert assert_problem(answer, 422, "photo-unreadable")["detail"].startswith("Diese Datei ist kein Bild")
    assert api.http.head(path, headers=TUS).status_code == 404
    assert api.shop.storage.objects == {}


def test_what_arrived_before_the_line_broke_is_kept(api: ApiClient) -> None:
    path = begin(api)
    BrokenLine(PORTRAIT[:5], PORTRAIT[5:10]).patch(api, path)
    assert offset(api, path) == 10
    assert send(api, path, PORTRAIT[10:], 10).status_code == 204
    assert len(photos(api, path)) == 1


def test_a_line_that_is_too_slow_is_answered_with_how_far_it_came(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_bodies, "PATIENCE_SECONDS", 0.05)
    path = begin(api)
    line = BrokenLine(PORTRAIT[:10], then="silence")
    line.patch(api, path)
    assert (line.status, line.headers[b"upload-offset"]) == (204, b"10")
    silent = BrokenLine(then="silence")
    silent.patch(api, path, 10)
    assert silent.status == 408


def test_a_long_piece_is_stored_while_it_arrives(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resumable_bodies, "PART_BYTES", 8)
    path = begin(api)
    stored: list[int] = []
    put = api.shop.storage.put

    def watch(*arguments: Any, **named: Any) -> Any:
        stored.append(named["size_bytes"])
        return put(*arguments, **named)

    monkeypatch.setattr(api.shop.storage, "put", watch)
    BrokenLine(*(PORTRAIT[at : at + 4] for at in range(0, 20, 4))).patch(api, path)
    assert stored == [8, 8, 4]
    assert offset(api, path) == 20


def test_a_slow_piece_is_stored_while_it_arrives(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resumable_bodies, "PART_SECONDS", 0.0)
    monkeypatch.setattr(resumable_bodies, "SLOW_PART_BYTES", 4)
    path = begin(api)
    BrokenLine(*(PORTRAIT[at : at + 2] for at in range(0, 10, 2))).patch(api, path)
    assert offset(api, path) == 10
    assert sorted(map(len, api.shop.storage.objects.values())) == [2, 4, 4]


def test_many_small_pieces_are_written_into_one(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resumable_uploads, "MAX_PARTS", 3)
    path = begin(api)
    for at in range(len(PORTRAIT) - 1):
        assert send(api, path, PORTRAIT[at : at + 1], at).status_code == 204
        assert len(api.shop.storage.objects) <= 3
    assert send(api, path, PORTRAIT[-1:], len(PORTRAIT) - 1).status_code == 204
    assert list(api.shop.storage.objects.values()) == [PORTRAIT]


def test_a_failure_at_the_end_costs_the_client_one_byte(api: ApiClient) -> None:
    path = begin(api)
    api.shop.storage.fault_injector.fail("put", UnavailableError("The storage", "is away"))
    assert_problem(send(api, path, PORTRAIT), 503, "unavailable")
    left = offset(api, path)
    assert left == len(PORTRAIT) - 1
    assert send(api, path, PORTRAIT[left:], left).status_code == 204
    assert len(photos(api, path)) == 1


def test_a_piece_that_cannot_be_stored_is_not_acknowledged(api: ApiClient) -> None:
    path = begin(api)
    api.shop.storage.fault_injector.fail("put", UnavailableError("The storage", "is away"))
    assert_problem(send(api, path, PORTRAIT[:10]), 503, "unavailable")
    assert offset(api, path) == 0


def test_pieces_count_towards_what_a_visitor_may_send() -> None:
    shop = HttpShop(replace(POLICY, visitor_quotas=replace(POLICY.visitor_quotas, mebibytes_by_client=3)))
    with TestClient(application(shop), raise_server_exceptions=False) as http:
        api = ApiClient(shop, http)
        path = begin(api)
        for at in range(2):
            assert send(api, path, PORTRAIT[at : at + 1], at).status_code == 204
        assert_problem(send(api, path, PORTRAIT[2:3], 2), 429, "too-many-requests")


def test_incomplete_uploads_are_deleted_with_their_session(api: ApiClient) -> None:
    path = begin(api)
    send(api, path, PORTRAIT[:10])
    api.shop.clock.advance(days=8)
    assert api.shop.upload_cleanup.tidy() == 1
    assert api.shop.storage.objects == {}
    assert api.http.head(path, headers=TUS).status_code == 404


@pytest.mark.parametrize("method", ["PATCH", "patch"])
def test_a_client_that_can_only_post_names_its_method(api: ApiClient, method: str) -> None:
    path = begin(api)
    headers = {**PIECE, "Upload-Offset": "0", "X-HTTP-Method-Override": method}
    assert api.http.post(path, content=PORTRAIT[:10], headers=headers).status_code == 204
    assert offset(api, path) == 10
    looked = api.http.post(path, headers={**TUS, "X-HTTP-Method-Override": "HEAD"})
    assert (looked.status_code, looked.headers["upload-offset"]) == (200, "10")
    assert api.http.post(path, headers={**TUS, "X-HTTP-Method-Override": "DELETE"}).status_code == 204
    assert api.http.head(path, headers=TUS).status_code == 404


@pytest.mark.parametrize(("path", "method"), [("/tus", "DELETE"), ("/photos", "DELETE"), ("/tus/1", "GET")])
def test_no_other_request_changes_its_method(api: ApiClient, path: str, method: str) -> None:
    address = f"/api/uploads/{api.open_session()}{path}"
    answer = api.http.post(address, headers={"X-HTTP-Method-Override": method})
    assert answer.status_code in {400, 404, 405, 412}
    assert answer.request.method == "POST"


def test_a_photo_whose_upload_was_canceled_meanwhile_is_removed(api: ApiClient) -> None:
    path = begin(api)
    session_id, upload_id = (UUID(part) for part in path.removeprefix("/api/uploads/").split("/tus/"))
    service = api.shop.resumable_uploads
    upload = service.find(UploadSessionId(session_id), ResumableUploadId(upload_id))
    api.http.delete(path, headers=TUS)
    with pytest.raises(UnknownUploadError):
        service.complete(upload, io.BytesIO(PORTRAIT), len(PORTRAIT))
    assert photos(api, path) == []
