import threading

import httpx2
import pytest
import stripe

from tests.sandbox.processes import TwinProcess
from tests.sandbox.stripe_client import SECRET_KEY, Shop, client_of
from tests.waiting import eventually


def refunds_of(shop: Shop, payment: str) -> list[str]:
    return [refund.id for refund in shop.client.v1.refunds.list({"payment_intent": payment}).data]


def post_refund(twin: TwinProcess, payment: str, key: str, **changes: str) -> httpx2.Response:
    """Refund without the SDK, to see headers and bodies."""
    headers = {"Authorization": f"Bearer {SECRET_KEY}", "Idempotency-Key": key}
    return twin.http.post("/v1/refunds", data={"payment_intent": payment, **changes}, headers=headers)


def test_the_same_key_gives_the_same_answer_and_does_the_work_once(shop: Shop) -> None:
    payment = shop.payment()
    first, again = (post_refund(shop.twin, payment, "same-key") for _ in range(2))
    assert first.text == again.text
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["original-request"] == first.headers["request-id"] != again.headers["request-id"]
    assert refunds_of(shop, payment) == [first.json()["id"]]


def test_the_same_key_with_other_parameters_is_refused(shop: Shop) -> None:
    payment = shop.payment()
    shop.client.v1.refunds.create(
        {"payment_intent": payment, "amount": 100}, {"idempotency_key": "other-amount"}
    )
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        shop.client.v1.refunds.create(
            {"payment_intent": payment, "amount": 200}, {"idempotency_key": "other-amount"}
        )
    assert len(refunds_of(shop, payment)) == 1


def test_a_lost_reply_and_a_retry_with_the_same_key_make_one_refund(shop: Shop) -> None:
    payment = shop.payment()
    shop.twin.misbehave("POST /v1/refunds", "lose_reply")
    with pytest.raises(stripe.APIConnectionError):
        shop.client.v1.refunds.create({"payment_intent": payment}, {"idempotency_key": "lost-reply"})
    refund = shop.client.v1.refunds.create({"payment_intent": payment}, {"idempotency_key": "lost-reply"})
    assert refunds_of(shop, payment) == [refund.id]


def test_the_sdk_recovers_a_lost_reply_by_itself_when_it_may_retry(shop: Shop) -> None:
    payment = shop.payment()
    shop.twin.misbehave("POST /v1/refunds", "lose_reply")
    refund = client_of(shop.twin, retries=1).v1.refunds.create({"payment_intent": payment})
    assert refunds_of(shop, payment) == [refund.id]


def test_a_refused_request_may_be_retried_with_the_same_key(shop: Shop) -> None:
    """A validation error is not stored: nothing was begun."""
    session = shop.open_session()
    shop.press(session, "decline")
    payment = shop.client.v1.checkout.sessions.retrieve(session.id).payment_intent
    assert isinstance(payment, str)
    assert post_refund(shop.twin, payment, "too-early").status_code == 400
    shop.press(session, "pay")
    assert post_refund(shop.twin, payment, "too-early").status_code == 200


def test_a_500_of_the_endpoint_itself_is_replayed_under_its_key(shop: Shop) -> None:
    payment = shop.payment()
    shop.twin.misbehave("POST /v1/refunds", "status", status=500, saved=True)
    answers = [post_refund(shop.twin, payment, "saved-500") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [500, 500]
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert answers[1].headers["stripe-should-retry"] == "false"
    assert refunds_of(shop, payment) == []
    assert post_refund(shop.twin, payment, "a-new-key").status_code == 200


@pytest.mark.parametrize(
    ("status", "error"), [(429, stripe.RateLimitError), (500, stripe.APIError), (503, stripe.APIError)]
)
def test_an_error_of_a_proxy_leaves_the_key_unused(shop: Shop, status: int, error: type[Exception]) -> None:
    payment = shop.payment()
    shop.twin.misbehave("POST /v1/refunds", "status", status=status, headers={"Retry-After": "1"})
    with pytest.raises(error):
        shop.client.v1.refunds.create({"payment_intent": payment}, {"idempotency_key": f"front-{status}"})
    assert refunds_of(shop, payment) == []
    refund = shop.client.v1.refunds.create(
        {"payment_intent": payment}, {"idempotency_key": f"front-{status}"}
    )
    assert refunds_of(shop, payment) == [refund.id]


def test_a_key_in_use_is_a_conflict(shop: Shop) -> None:
    payment = shop.payment()
    fault = shop.twin.misbehave("POST /v1/refunds", "hang", seconds=0.5)
    slow: list[int] = []
    first = threading.Thread(
        target=lambda: slow.append(post_refund(shop.twin, payment, "at-once").status_code)
    )
    first.start()
    eventually(
        lambda: [rule for rule in shop.twin.control("GET", "faults") if rule["id"] == fault and rule["fired"]]
    )
    conflict = post_refund(shop.twin, payment, "at-once")
    assert (conflict.status_code, conflict.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    first.join()
    assert slow == [200]
    assert len(refunds_of(shop, payment)) == 1


def test_a_key_is_forgotten_after_a_day(shop: Shop) -> None:
    payment = shop.payment()
    post_refund(shop.twin, payment, "day-old", amount="100")
    shop.twin.turn(clock_ahead_seconds=24 * 3600 + 1)
    post_refund(shop.twin, payment, "day-old", amount="100")
    assert len(refunds_of(shop, payment)) == 2
