"""The creation of a resumable upload, repeated with its key."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest
from litestar.testing import TestClient

from domain.order.values import UploadSessionId
from domain.ports.errors import UnavailableError
from domain.use_cases.checkout.resumable_uploads import UPLOADS_PER_PHOTO
from tests.doubles.container import POLICY
from tests.entrypoints.support.http_fixtures import PORTRAIT, ApiClient, HttpShop, application, assert_problem
from tests.entrypoints.support.tus_client import NAMED, PIECE, TUS, BrokenLine, offset, photos, send

KEY = {"Idempotency-Key": str(uuid4())}


def create(
    api: ApiClient,
    session: UploadSessionId,
    headers: Mapping[str, str],
    piece: bytes = b"",
    size_bytes: int = len(PORTRAIT),
) -> httpx.Response:
    given = {**(PIECE if piece else TUS), **NAMED, "Upload-Length": str(size_bytes), **headers}
    return api.http.post(f"/api/uploads/{session}/tus", content=piece, headers=given)


def test_a_creation_is_repeated_with_its_key(api: ApiClient) -> None:
    session = api.open_session()
    first, again = (create(api, session, KEY) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["location"] == first.headers["location"]
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    others = {create(api, session, headers).headers["location"] for headers in ({}, {}, other_key())}
    assert len(others | {first.headers["location"]}) == 4


def other_key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


def test_a_repeated_creation_says_where_to_go_on(api: ApiClient) -> None:
    session = api.open_session()
    path = create(api, session, KEY).headers["location"]
    send(api, path, PORTRAIT[:10])
    again = create(api, session, KEY)
    assert (again.headers["location"], again.headers["upload-offset"]) == (path, "10")
    send(api, path, PORTRAIT[10:], 10)
    complete = create(api, session, KEY)
    assert complete.headers["upload-offset"] == str(len(PORTRAIT))
    assert complete.headers["photo-id"] == photos(api, path)[0]["photo_id"]


def test_a_creation_with_a_piece_adds_it_once(api: ApiClient) -> None:
    session = api.open_session()
    first, again = (create(api, session, KEY, PORTRAIT[:10]) for _ in range(2))
    assert (again.status_code, again.headers["upload-offset"]) == (201, "10")
    send(api, first.headers["location"], PORTRAIT[10:], 10)
    assert len(photos(api, first.headers["location"])) == 1
    whole = create(api, session, KEY, PORTRAIT)
    assert (whole.status_code, whole.headers["upload-duplicate"]) == (201, "false")
    assert len(photos(api, first.headers["location"])) == 1


def test_a_creation_whose_line_broke_goes_on_with_what_arrived(api: ApiClient) -> None:
    session = api.open_session()
    headers = {**NAMED, **KEY, "Upload-Length": str(len(PORTRAIT)), "Transfer-Encoding": "chunked"}
    BrokenLine(PORTRAIT[:10]).request(api, "POST", f"/api/uploads/{session}/tus", headers)
    again = create(api, session, KEY)
    assert (again.headers["idempotency-replayed"], again.headers["upload-offset"]) == ("true", "10")


def test_a_piece_that_could_not_be_stored_is_stored_when_repeated(api: ApiClient) -> None:
    session = api.open_session()
    api.shop.storage.fault_injector.fail("put", UnavailableError("The storage", "is away"))
    assert create(api, session, KEY, PORTRAIT[:10]).status_code == 503
    again = create(api, session, KEY, PORTRAIT[:10])
    assert (again.status_code, again.headers["upload-offset"]) == (201, "10")


def test_a_key_belongs_to_one_photo_of_one_session(api: ApiClient) -> None:
    session = api.open_session()
    path = create(api, session, KEY).headers["location"]
    assert_problem(create(api, session, KEY, size_bytes=5), 422, "idempotency-key-reused")
    renamed = create(api, session, {**KEY, "Upload-Metadata": "filename eA=="})
    assert_problem(renamed, 422, "idempotency-key-reused")
    elsewhere = create(api, api.open_session(), KEY)
    assert elsewhere.headers["location"].rpartition("/")[2] != path.rpartition("/")[2]


def test_a_key_begins_anew_once_its_upload_was_canceled(api: ApiClient) -> None:
    session = api.open_session()
    path = create(api, session, KEY, PORTRAIT[:10]).headers["location"]
    api.http.delete(path, headers=TUS)
    again = create(api, session, KEY)
    assert (again.status_code, "idempotency-replayed" in again.headers) == (201, False)
    assert offset(api, again.headers["location"]) == 0


def test_a_repeated_creation_takes_no_place_of_another() -> None:
    shop = HttpShop(replace(POLICY, uploads=replace(POLICY.uploads, max_photos=1)))
    with TestClient(application(shop), raise_server_exceptions=False) as http:
        api = ApiClient(shop, http)
        session = api.open_session()
        for _ in range(UPLOADS_PER_PHOTO + 1):
            path = create(api, session, KEY).headers["location"]
        send(api, path, PORTRAIT)
        assert create(api, session, KEY).status_code == 201
        assert create(api, session, other_key()).status_code == 409


@pytest.mark.parametrize("key", ["short", "x" * 256, "sixteen letters and spaces"])
def test_a_malformed_key_is_refused(api: ApiClient, key: str) -> None:
    refused = create(api, api.open_session(), {"Idempotency-Key": key})
    assert_problem(refused, 400, "idempotency-key-malformed")
    assert refused.headers["tus-resumable"] == "1.0.0"
