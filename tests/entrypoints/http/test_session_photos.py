"""Duplicate photos in a session, and removal of photos before payment."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from domain.order import events as e
from domain.order.values import UploadSessionId
from domain.ports.errors import UnavailableError
from domain.ports.payments import CheckoutStatus, PaymentEventKind
from domain.ports.upload_sessions import UploadStatus
from domain.signed_tokens import sha256_of
from tests.entrypoints.support.http_fixtures import PORTRAIT, ApiClient, assert_problem

CASE = Path(__file__).parents[2] / "cases/upload-twice/photo.jpg"


def remove(api: ApiClient, session_id: UUID, photo_id: str) -> int:
    return api.http.delete(f"/api/uploads/{session_id}/photos/{photo_id}").status_code


def two_photos(api: ApiClient) -> tuple[UploadSessionId, list[str]]:
    session_id = api.open_session()
    sent = [api.send_photo(session_id, photo) for photo in (PORTRAIT, b"a wedding")]
    return session_id, [answer.json()["photo_id"] for answer in sent]


def test_a_photo_that_is_sent_twice_is_one_and_the_answer_says_so(api: ApiClient) -> None:
    session_id, content = api.open_session(), CASE.read_bytes()
    first, again = (api.send_photo(session_id, content, "photo.jpg") for _ in range(2))
    assert (first.status_code, first.json()["is_duplicate"]) == (201, False)
    assert (again.status_code, again.json()["is_duplicate"]) == (200, True)
    assert again.json()["photo_id"] == first.json()["photo_id"]
    body = api.http.get(f"/api/uploads/{session_id}").json()
    assert len(body["photos"]) == 1
    assert body["quote"]["amount"] == 490
    assert len(api.shop.storage.objects) == 1


def test_the_same_bytes_under_another_name_are_the_first_ones_photo(api: ApiClient) -> None:
    session_id = api.open_session()
    first = api.send_photo(session_id, PORTRAIT, "adele.jpg").json()
    again = api.send_photo(session_id, PORTRAIT, "copy of adele.jpg").json()
    assert (again["photo_id"], again["file_name"]) == (first["photo_id"], "adele.jpg")


def test_another_session_may_hold_the_same_bytes(api: ApiClient) -> None:
    for _ in range(2):
        assert api.send_photo(api.open_session()).status_code == 201


def test_a_photo_that_is_taken_out_is_not_charged_and_can_be_sent_again(api: ApiClient) -> None:
    session_id, (portrait, wedding) = two_photos(api)
    assert remove(api, session_id, portrait) == 204
    assert remove(api, session_id, portrait) == 204
    body = api.http.get(f"/api/uploads/{session_id}").json()
    assert [photo["photo_id"] for photo in body["photos"]] == [wedding]
    assert body["quote"]["amount"] == 490
    again = api.send_photo(session_id)
    assert (again.status_code, again.json()["is_duplicate"]) == (201, False)


def test_what_was_never_in_the_session_is_no_error_and_another_sessions_photo_stays(api: ApiClient) -> None:
    session_id, photos = two_photos(api)
    other, _ = two_photos(api)
    assert remove(api, session_id, str(uuid4())) == 204
    assert remove(api, other, photos[0]) == 204
    assert len(api.shop.upload_service.find(session_id).photos) == 2
    answer = api.http.delete(f"/api/uploads/{uuid4()}/photos/{photos[0]}")
    assert_problem(answer, 404, "upload-session-unknown")


def test_an_open_checkout_page_ends_and_the_next_one_asks_for_what_is_left(api: ApiClient) -> None:
    session_id, (portrait, _) = two_photos(api)
    page = api.shop.checkout_service.open(session_id, email=None)
    assert page.checkout_session_id is not None
    assert remove(api, session_id, portrait) == 204
    state = api.shop.payments.states[page.checkout_session_id]
    assert state.status is CheckoutStatus.EXPIRED
    assert api.shop.upload_service.find(session_id).status is UploadStatus.OPEN
    again = api.shop.checkout_service.open(session_id, email=None)
    assert again.checkout_session_id != page.checkout_session_id
    assert again.quoted.amount == 490
    # The provider reports the end of the first page late.
    late = api.shop.webhook_event(page.checkout_session_id, PaymentEventKind.ABANDONED)
    api.shop.payment_webhook.handle(late, sha256_of("late"))
    assert api.shop.upload_service.find(session_id).status is UploadStatus.CHECKOUT
    order_id = api.shop.pay(session_id)
    paid = api.shop.events(order_id)[0]
    assert isinstance(paid, e.PaymentReceived)
    assert len(paid.photos) == 1
    assert not api.shop.order(order_id).is_held


def test_a_checkout_that_was_paid_this_moment_keeps_its_photos(api: ApiClient) -> None:
    session_id, (portrait, _) = two_photos(api)
    page = api.shop.checkout(session_id)
    api.shop.payments.pay(page)
    answer = api.http.delete(f"/api/uploads/{session_id}/photos/{portrait}")
    assert_problem(answer, 409, "upload-session-closed")
    assert len(api.shop.upload_service.find(session_id).photos) == 2


def test_a_paid_session_keeps_its_photos(api: ApiClient) -> None:
    session_id, (portrait, _) = two_photos(api)
    api.shop.pay(session_id)
    answer = api.http.delete(f"/api/uploads/{session_id}/photos/{portrait}")
    assert "photos are fixed" in assert_problem(answer, 409, "upload-session-closed")["detail"]


def test_nothing_is_taken_out_while_the_page_may_still_be_paid(api: ApiClient) -> None:
    session_id, (portrait, _) = two_photos(api)
    api.shop.checkout(session_id)
    api.shop.payments.fault_injector.fail("expire_checkout", UnavailableError("Stripe", "it restarts"))
    answer = api.http.delete(f"/api/uploads/{session_id}/photos/{portrait}")
    assert_problem(answer, 503, "unavailable")
    assert len(api.shop.upload_service.find(session_id).photos) == 2
    assert remove(api, session_id, portrait) == 204


def test_nothing_is_taken_out_while_the_page_is_being_opened(api: ApiClient) -> None:
    session_id, (portrait, _) = two_photos(api)
    api.shop.payments.fault_injector.fail("open_checkout", UnavailableError("Stripe", "it restarts"))
    with pytest.raises(UnavailableError):
        api.shop.checkout(session_id)
    answer = api.http.delete(f"/api/uploads/{session_id}/photos/{portrait}")
    assert_problem(answer, 409, "checkout-opening")
    api.shop.clock.advance(minutes=5)
    assert remove(api, session_id, portrait) == 204


def test_housekeeping_removes_the_bytes_of_a_photo_that_was_taken_out(api: ApiClient) -> None:
    session_id, (portrait, _) = two_photos(api)
    remove(api, session_id, portrait)
    api.shop.pay(session_id)
    order = api.shop.live(api.shop.upload_service.find(session_id).order_id)
    assert len(order.images) == 1
    api.shop.clock.advance(days=30)
    api.shop.upload_cleanup.tidy()
    assert not [key for key in api.shop.storage.objects if key.startswith("uploads/temp/")]
