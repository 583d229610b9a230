"""The public API for what the pages' forms do after the checkout."""

import httpx
import pytest

from domain.order.values import EmailKind, OrderId, UploadSessionId
from domain.ports.payments import CheckoutStatus
from domain.ports.upload_sessions import UploadStatus
from domain.use_cases.support.staff_requests import StaffRequest
from tests.entrypoints.support.http_fixtures import PORTRAIT, ApiClient, assert_problem


def correct(api: ApiClient, session_id: UploadSessionId, email: object) -> httpx.Response:
    return api.http.put(f"/api/uploads/{session_id}/email", json={"email": email})


def paid(api: ApiClient, email: str = "eilen@customer.example") -> tuple[UploadSessionId, OrderId]:
    session_id = api.shop.upload(PORTRAIT)
    return session_id, api.shop.pay(session_id, email=email)


def recipients(api: ApiClient) -> list[str]:
    return [sent.to for sent in api.shop.mailer.mailbox.values()]


def test_a_program_corrects_the_address_of_a_paid_session(api: ApiClient) -> None:
    session_id, order_id = paid(api)
    api.shop.work()
    for _ in range(2):
        assert correct(api, session_id, "eileen@customer.example").status_code == 204
    api.shop.live(order_id)
    assert recipients(api)[0] == "eilen@customer.example"
    assert set(recipients(api)[1:]) == {"eileen@customer.example"}
    kinds = [email.kind for email in api.shop.order(order_id).emails.values()]
    assert kinds.count(EmailKind.CONFIRMATION) == 2


def test_an_address_is_corrected_neither_before_the_payment_nor_after_the_result(api: ApiClient) -> None:
    session_id = api.shop.upload(PORTRAIT)
    assert_problem(correct(api, session_id, "eileen@customer.example"), 409, "not-paid")
    order_id = api.shop.pay(session_id)
    api.shop.live(order_id)
    assert_problem(correct(api, session_id, "eileen@customer.example"), 409, "address-fixed")


def test_a_held_orders_address_is_not_corrected(api: ApiClient) -> None:
    session_id, order_id = paid(api)
    api.shop.staff_actions.hold(order_id, StaffRequest(actor="person:grace", reason="a question"))
    assert_problem(correct(api, session_id, "eileen@customer.example"), 409, "address-fixed")


def test_the_answer_does_not_disclose_who_is_a_customer(api: ApiClient) -> None:
    paid(api, "grace@customer.example")
    session_id, order_id = paid(api, "ada@customer.example")
    taken = assert_problem(correct(api, session_id, "grace@customer.example"), 409, "address-fixed")
    api.shop.live(order_id)
    late = assert_problem(correct(api, session_id, "new@customer.example"), 409, "address-fixed")
    assert taken["detail"] == late["detail"]


def test_only_some_corrections_are_made(api: ApiClient) -> None:
    session_id, _ = paid(api)
    for number in range(3):
        assert correct(api, session_id, f"eileen-{number}@customer.example").status_code == 204
    assert_problem(correct(api, session_id, "eileen@customer.example"), 429, "asked-too-often")


@pytest.mark.parametrize(
    "email", ["", "eileen", "eileen@", 7, None, "a\0@customer.example", "e" * 300 + "@a.example"]
)
def test_what_is_no_address_is_refused_unrepeated(api: ApiClient, email: object) -> None:
    session_id, _ = paid(api)
    problem = assert_problem(correct(api, session_id, email), 400, "request-malformed")
    assert "eileen" not in problem["detail"]


def test_a_checkout_is_closed_so_that_photos_can_be_added(api: ApiClient) -> None:
    session_id = api.shop.upload(PORTRAIT)
    checkout = api.shop.checkout_service.open(session_id, email=None)
    assert_problem(api.send_photo(session_id, b"a wedding"), 409, "upload-session-closed")
    for _ in range(2):
        assert api.http.delete(f"/api/uploads/{session_id}/checkout").status_code == 204
    assert api.shop.upload_service.find(session_id).status is UploadStatus.OPEN
    assert api.send_photo(session_id, b"a wedding").status_code == 201
    page = api.shop.payments.states[str(checkout.checkout_session_id)]
    assert page.status is CheckoutStatus.EXPIRED


def test_a_paid_checkout_is_not_closed(api: ApiClient) -> None:
    session_id, _ = paid(api)
    answer = api.http.delete(f"/api/uploads/{session_id}/checkout")
    assert_problem(answer, 409, "upload-session-closed")
