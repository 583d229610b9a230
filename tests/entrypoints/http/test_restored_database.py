"""A database behind its log: no checkouts, and no lost webhooks."""

import pytest

from tests.domain.use_cases.recovery.test_restored_database import lose
from tests.entrypoints.support.http_fixtures import ApiClient, assert_problem


@pytest.fixture
def behind(api: ApiClient) -> ApiClient:
    """A shop that lost an order with its database."""
    lose(api.shop, b"wedding")
    return api


def test_no_checkout_is_opened_and_the_customer_receives_the_reason(behind: ApiClient) -> None:
    session_id = behind.shop.upload(b"harvest")
    answer = behind.http.post("/api/checkout-sessions", json={"session_id": str(session_id)})
    problem = assert_problem(answer, 503, "payments-paused")
    assert problem["detail"].startswith("The shop is being put right after a loss of data")
    assert answer.headers["retry-after"] == "60"


def test_webhooks_are_repeated_and_handled_once_the_database_is_recovered(behind: ApiClient) -> None:
    session_id = behind.shop.upload(b"harvest")
    event = behind.payment_event(session_id)
    assert_problem(behind.post_from_stripe(event), 503, "payments-paused")
    assert not behind.shop.events(behind.shop.upload_service.find(session_id).order_id)
    behind.shop.restored_database.recover()
    behind.shop.clock.advance(minutes=1)
    assert behind.post_from_stripe(event).status_code == 200
    assert behind.shop.events(behind.shop.upload_service.find(session_id).order_id)


def test_readiness_says_what_to_do(behind: ApiClient) -> None:
    answer = behind.http.get("/health/ready")
    problem = assert_problem(answer, 503, "not-ready")
    assert "restoreclick db restored" in problem["checks"]["log"]
    behind.shop.restored_database.recover()
    assert behind.http.get("/health/ready").json()["checks"]["log"] == "ok"
