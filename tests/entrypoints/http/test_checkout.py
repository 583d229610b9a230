from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore
from typing import Any
from uuid import uuid4

import pytest
from anyio import to_thread

from domain.order.values import Browser, Client, Device
from domain.ports.errors import RefusedError
from domain.ports.payments import NewCheckout, OpenedCheckout
from entrypoints.http.dependencies import CHECKOUT_THREADS
from tests.entrypoints.support.http_fixtures import FIREFOX, PORTRAIT, SCANNER, ApiClient, assert_problem


def ask(api: ApiClient, session_id: object, **requests: Any) -> Any:
    return api.http.post("/api/checkout-sessions", json={"session_id": str(session_id), **requests})


def test_the_checkout_returns_its_page_and_the_shops_own_price(api: ApiClient) -> None:
    session_id = api.shop.upload(PORTRAIT, PORTRAIT + b", with her dog")
    answer = ask(api, session_id, email="adele@customers.example")
    assert answer.status_code == 201
    body = answer.json()
    assert (body["amount"], body["currency"], body["photos"]) == (980, "EUR", 2)
    (request,) = api.shop.payments.checkouts.values()
    assert (request.unit_price.amount, request.photos, request.email) == (490, 2, "adele@customers.example")
    assert api.http.get(f"/api/uploads/{session_id}").json()["checkout"] == body


def test_asking_again_gives_the_same_page(api: ApiClient) -> None:
    session_id = api.shop.upload(PORTRAIT)
    assert ask(api, session_id).json() == ask(api, session_id).json()
    assert len(api.shop.payments.checkouts) == 1


def test_the_payment_records_the_client_that_first_opened_its_checkout(api: ApiClient) -> None:
    session_id = api.shop.upload(PORTRAIT)
    api.http.headers["User-Agent"] = FIREFOX
    ask(api, session_id)
    api.http.headers["User-Agent"] = SCANNER
    ask(api, session_id)
    payment = api.shop.order(api.shop.pay(session_id)).payment
    assert payment is not None
    assert payment.client == Client(network=None, device=Device.DESKTOP, browser=Browser.FIREFOX)


@pytest.mark.parametrize("fields", [{"price": 1}, {"amount": 1}, {"currency": "IDR"}, {"photos": 1}])
def test_a_price_from_the_client_is_refused_not_ignored(api: ApiClient, fields: dict[str, Any]) -> None:
    refused = assert_problem(ask(api, api.shop.upload(PORTRAIT), **fields), 400, "request-malformed")
    assert next(iter(fields)) in refused["detail"]
    assert api.shop.payments.checkouts == {}


@pytest.mark.parametrize(
    "email", ["adele", "adele@", "@customers.example", "a b@customers.example", "a@b", 7]
)
def test_what_is_no_email_address_is_refused(api: ApiClient, email: object) -> None:
    assert_problem(ask(api, api.shop.upload(PORTRAIT), email=email), 400, "request-malformed")
    assert api.shop.payments.checkouts == {}


@pytest.mark.parametrize(
    ("requests", "accept_language", "kept"),
    [
        ({}, "de-AT,de;q=0.9,en;q=0.8", "de-AT"),
        ({"locale": "de_CH"}, "en-GB,en", "de_CH"),
        ({}, "en", "en"),
        ({}, "*", None),
        ({}, "", None),
        ({}, "../../etc, de", None),
    ],
)
def test_the_customers_language_is_what_they_say_or_else_their_browser(
    api: ApiClient, requests: dict[str, Any], accept_language: str, kept: str | None
) -> None:
    api.http.headers["Accept-Language"] = accept_language
    assert ask(api, api.shop.upload(PORTRAIT), **requests).status_code == 201
    (request,) = api.shop.payments.checkouts.values()
    assert request.locale == kept


@pytest.mark.parametrize("locale", ["", "german", "de-", "de\r\nX-Evil: 1", "<b>", 7])
def test_what_is_no_language_is_refused(api: ApiClient, locale: object) -> None:
    assert_problem(ask(api, api.shop.upload(PORTRAIT), locale=locale), 400, "request-malformed")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"session_id": "x"}', b"{}"])
def test_a_malformed_request_is_refused(api: ApiClient, body: bytes) -> None:
    assert_problem(api.http.post("/api/checkout-sessions", content=body), 400, "request-malformed")


def test_an_oversized_request_is_refused(api: ApiClient) -> None:
    answer = ask(api, api.shop.upload(PORTRAIT), email="a" * 20_000)
    assert_problem(answer, 413, "body-too-large")


def test_a_session_without_photos_has_nothing_to_pay(api: ApiClient) -> None:
    assert_problem(ask(api, api.open_session()), 409, "nothing-to-pay")


def test_another_price_than_the_customer_saw_is_refused(api: ApiClient) -> None:
    session_id = api.shop.upload(PORTRAIT, b"another one")
    refused = assert_problem(ask(api, session_id, shown_amount=490), 409, "price-changed")
    assert "9.80 EUR" in refused["detail"]
    assert api.shop.payments.checkouts == {}
    assert ask(api, session_id, shown_amount=980).status_code == 201
    assert_problem(ask(api, session_id, shown_amount=490), 409, "price-changed")
    assert ask(api, session_id, shown_amount=980).status_code == 201
    assert len(api.shop.payments.checkouts) == 1


def test_no_session_has_no_checkout(api: ApiClient) -> None:
    assert_problem(ask(api, uuid4()), 404, "upload-session-unknown")


def test_a_paid_session_is_not_sold_again(api: ApiClient) -> None:
    session_id = api.shop.upload(PORTRAIT)
    api.shop.pay(session_id)
    assert_problem(ask(api, session_id), 409, "upload-session-closed")


def test_a_provider_refusal_is_reported_without_its_words(api: ApiClient) -> None:
    session_id = api.shop.upload(PORTRAIT)
    api.shop.payments.fault_injector.fail(
        "open_checkout", RefusedError("Stripe", "request req_7", code="key_expired")
    )
    refused = assert_problem(ask(api, session_id), 502, "provider-refused")
    assert "key_expired" in refused["detail"]
    assert "req_7" not in refused["detail"]


def test_a_provider_that_hangs_delays_no_webhook(api: ApiClient) -> None:
    paid, *asking = [api.shop.upload(PORTRAIT) for _ in range(1 + CHECKOUT_THREADS)]
    event = api.payment_event(paid)
    reached, may_go_on = Semaphore(0), Event()
    open_checkout = api.shop.payments.open_checkout

    def hang(request: NewCheckout) -> OpenedCheckout:
        reached.release()
        assert may_go_on.wait(timeout=20)
        return open_checkout(request)

    api.shop.payments.open_checkout = hang  # type: ignore[method-assign]
    api.http.blocking_portal.call(leave_as_many_threads_for_all_else, CHECKOUT_THREADS)
    with ThreadPoolExecutor(CHECKOUT_THREADS + 1) as clients:
        checkouts = [clients.submit(ask, api, session_id) for session_id in asking]
        try:
            assert all(reached.acquire(timeout=10) for _ in checkouts)
            assert clients.submit(api.post_from_stripe, event).result(timeout=5).status_code == 200
        finally:
            may_go_on.set()
        assert {checkout.result().status_code for checkout in checkouts} == {201}


async def leave_as_many_threads_for_all_else(number: int) -> None:
    to_thread.current_default_thread_limiter().total_tokens = number


@pytest.mark.parametrize(
    ("codes", "problem"),
    [
        ({"referral_code": "NOBODYS0"}, "referral-code-unknown"),
        ({"points_code": "NOBODYS0-0123-4567-89AB-CDEF"}, "points-code-unknown"),
        ({"referral_code": "NOBODYS0", "points_code": "NOBODYS0"}, "two-codes"),
    ],
)
def test_an_unusable_code_is_refused_and_the_checkout_stays_available(
    api: ApiClient, codes: dict[str, str], problem: str
) -> None:
    session_id = api.shop.upload(PORTRAIT)
    assert_problem(ask(api, session_id, **codes), 422, problem)
    assert api.shop.payments.checkouts == {}
    assert ask(api, session_id).status_code == 201


@pytest.mark.parametrize("name", ["referral_code", "points_code"])
@pytest.mark.parametrize("code", ["A" * 65, 7, ["A"]])
def test_what_is_no_code_is_refused(api: ApiClient, name: str, code: object) -> None:
    assert_problem(ask(api, api.shop.upload(PORTRAIT), **{name: code}), 400, "request-malformed")


def test_points_are_shown_with_their_discount_to_holders_of_the_code_only(api: ApiClient) -> None:
    shop = api.shop
    shop.pay(shop.upload(PORTRAIT))
    with shop.unit_of_work.transaction() as transaction:
        ada = transaction.personal_data.find("ada@customer.example")
    assert ada is not None
    friends = shop.upload(PORTRAIT)
    assert ask(api, friends, referral_code=ada.referral_code).json()["discount"] == 0
    shop.pay(friends, email="grace@friends.example")
    own = {"referral_code": ada.referral_code, "email": "Ada@customer.example"}
    assert_problem(ask(api, shop.upload(PORTRAIT), **own), 422, "referral-code-own")
    code = ada.referral_code + shop.token_signer.points_token(ada.customer_id)
    session_id = shop.upload(PORTRAIT)
    body = ask(api, session_id, points_code=code).json()
    assert (body["amount"], body["points"], body["discount"]) == (490, 100, 100)
    assert_problem(ask(api, shop.upload(PORTRAIT), points_code=code), 409, "no-points")
    assert_problem(ask(api, session_id, referral_code=ada.referral_code), 409, "checkout-fixed")
    assert ask(api, session_id).json() == body
