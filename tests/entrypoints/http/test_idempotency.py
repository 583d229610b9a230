"""A request that is repeated with its idempotency key is done once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import uuid4

import pytest

from domain.ports.errors import UnavailableError
from domain.use_cases.idempotent_requests import ABANDONED_AFTER, KEPT
from tests.entrypoints.support.http_fixtures import ApiClient, assert_problem

UPLOADS = "/api/uploads"


def keyed(key: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": key or str(uuid4())}


def sessions(api: ApiClient) -> int:
    return len(api.shop.own_unit_of_work.pages.uploads)


def test_a_session_is_opened_once_for_each_key(api: ApiClient) -> None:
    key = keyed()
    first, again = (api.http.post(UPLOADS, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    assert sessions(api) == 1
    assert api.http.post(UPLOADS, headers=keyed()).content != first.content
    assert api.http.post(UPLOADS).content != api.http.post(UPLOADS).content


def test_a_checkout_with_a_key_is_the_same_page(api: ApiClient) -> None:
    key, order = keyed(), {"session_id": str(api.shop.upload(b"portrait"))}
    first, again = (api.http.post("/api/checkout-sessions", headers=key, json=order) for _ in range(2))
    assert (first.status_code, again.content) == (201, first.content)
    assert len(api.shop.payments.checkouts) == 1


def test_a_key_with_another_body_is_refused(api: ApiClient) -> None:
    key = keyed()
    order = {"session_id": str(api.shop.upload(b"portrait"))}
    assert api.http.post("/api/checkout-sessions", headers=key, json=order).status_code == 201
    other = {"session_id": str(api.shop.upload(b"a wedding"))}
    refused = api.http.post("/api/checkout-sessions", headers=key, json=other)
    assert_problem(refused, 422, "idempotency-key-reused")
    assert len(api.shop.payments.checkouts) == 1


def test_a_key_belongs_to_its_address(api: ApiClient) -> None:
    key = keyed()
    api.http.post(UPLOADS, headers=key)
    order = {"session_id": str(api.shop.upload(b"portrait"))}
    assert "url" in api.http.post("/api/checkout-sessions", headers=key, json=order).json()


@pytest.mark.parametrize("action", ["renew", "{image}/redo"])
def test_a_request_behind_a_link_is_done_once(api: ApiClient, action: str) -> None:
    order_id = api.shop.delivered()
    (image,) = api.shop.order(order_id).images
    path = f"/api/download/{api.shop.token(order_id)}/{action.format(image=image)}"
    key = keyed()
    first = api.http.post(path, headers=key)
    version = api.shop.order(order_id).version
    again = api.http.post(path, headers=key)
    assert (first.status_code, again.status_code, again.content) == (202, 202, first.content)
    assert api.shop.order(order_id).version == version


def test_a_mail_is_sent_again_once_for_each_key(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    key = keyed()
    for _ in range(2):
        assert api.http.post(f"/api/email/resend/{order_id}", headers=key).status_code == 202
    version = api.shop.order(order_id).version
    assert api.http.post(f"/api/email/resend/{order_id}", headers=key).status_code == 202
    assert api.shop.order(order_id).version == version


def test_a_failed_request_can_be_tried_again_with_its_key(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = keyed()
    with monkeypatch.context() as patched:

        def fail() -> Any:
            raise UnavailableError("PostgreSQL", "is away")

        patched.setattr(api.shop.upload_service, "open", fail)
        assert_problem(api.http.post(UPLOADS, headers=key), 503, "unavailable")
    assert api.http.post(UPLOADS, headers=key).status_code == 201


def test_a_repetition_of_a_request_in_progress_is_refused(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, is_inside, go_on = keyed(), Event(), Event()
    begin = api.shop.upload_service.open

    def wait() -> Any:
        is_inside.set()
        go_on.wait(10)
        return begin()

    monkeypatch.setattr(api.shop.upload_service, "open", wait)
    with ThreadPoolExecutor(1) as clients:
        first = clients.submit(api.http.post, UPLOADS, headers=key)
        assert is_inside.wait(10)
        refused = api.http.post(UPLOADS, headers=key)
        go_on.set()
        assert first.result().status_code == 201
    assert_problem(refused, 409, "request-in-progress")
    assert refused.headers["retry-after"] == "1"
    assert sessions(api) == 1


def test_a_key_whose_request_was_lost_with_its_process_is_free_again(api: ApiClient) -> None:
    key = keyed()
    requests = api.shop.idempotent_requests
    requests.begin(f"POST {UPLOADS}", key["Idempotency-Key"], b"")
    assert_problem(api.http.post(UPLOADS, headers=key), 409, "request-in-progress")
    api.shop.clock.advance(seconds=(ABANDONED_AFTER + timedelta(seconds=1)).total_seconds())
    assert api.http.post(UPLOADS, headers=key).status_code == 201


def test_a_key_expires_and_is_forgotten(api: ApiClient) -> None:
    key = keyed()
    first = api.http.post(UPLOADS, headers=key)
    api.shop.clock.advance(seconds=KEPT.total_seconds() + 1)
    assert api.shop.upload_cleanup.forget_records() == 1
    assert api.http.post(UPLOADS, headers=key).content != first.content


@pytest.mark.parametrize("key", ["", "short", "a" * 256, "with spaces in the middle", "umläut-umläut-umläut"])
def test_what_could_be_guessed_is_no_key(api: ApiClient, key: str) -> None:
    answer = api.http.post(UPLOADS, headers=[(b"Idempotency-Key", key.encode())])
    assert_problem(answer, 400, "idempotency-key-malformed")
    assert sessions(api) == 0


def test_a_body_over_the_limit_is_refused_with_a_key_as_well(api: ApiClient) -> None:
    answer = api.http.post("/api/checkout-sessions", headers=keyed(), content=bytes(20_000))
    assert_problem(answer, 413, "body-too-large")
