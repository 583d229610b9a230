"""The common behaviour of twins, tested on Stripe's."""

import signal
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
import stripe

from tests.sandbox.processes import TwinProcess, running_twin
from tests.sandbox.receiver import WebhookReceiver
from tests.sandbox.stripe_client import SECRET_KEY, Shop, client_of
from tests.waiting import eventually

COMPLETED = "checkout.session.completed"


def attempts_for(twin: TwinProcess, event_id: str) -> list[int | None]:
    webhooks = [one for one in twin.ledger()["webhooks"] if one["event_id"] == event_id]
    return [attempt["status"] for webhook in webhooks for attempt in webhook["attempts"]]


def state_of(twin: TwinProcess, event_id: str) -> str:
    states: list[str] = [one["state"] for one in twin.ledger()["webhooks"] if one["event_id"] == event_id]
    return states[-1]


def last_event(shop: Shop, event_type: str = COMPLETED) -> str:
    return shop.client.v1.events.list({"type": event_type, "limit": 1}).data[0].id


def test_a_refused_connection_has_done_nothing(shop: Shop) -> None:
    payment = shop.payment()
    shop.twin.misbehave("POST /v1/refunds", "refuse")
    with pytest.raises(stripe.APIConnectionError):
        shop.client.v1.refunds.create({"payment_intent": payment})
    assert shop.client.v1.refunds.list({"payment_intent": payment}).data == []


def test_a_status_fault_has_its_body_and_headers(shop: Shop) -> None:
    shop.twin.misbehave(
        "GET /v1/events*", "status", status=502, body="<h1>Bad gateway</h1>", headers={"X-Edge": "7"}
    )
    answer = shop.twin.http.get("/v1/events", headers={"Authorization": f"Bearer {SECRET_KEY}"})
    assert (answer.status_code, answer.text, answer.headers["x-edge"]) == (502, "<h1>Bad gateway</h1>", "7")


def test_a_hanging_request_is_carried_out_even_if_the_caller_has_gone(shop: Shop) -> None:
    payment = shop.payment()
    shop.twin.misbehave("POST /v1/refunds", "hang", seconds=0.3)
    impatient = stripe.StripeClient(
        SECRET_KEY, base_addresses={"api": shop.twin.url}, http_client=stripe.RequestsClient(timeout=0.1)
    )
    with pytest.raises(stripe.APIConnectionError):
        impatient.v1.refunds.create({"payment_intent": payment})
    eventually(lambda: shop.client.v1.refunds.list({"payment_intent": payment}).data)


def test_a_rule_fires_as_often_as_set_and_shows_it(shop: Shop) -> None:
    fault = shop.twin.misbehave("* /v1/events", "status", status=500, times=2)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            shop.client.v1.events.list()
    shop.client.v1.events.list()
    (rule,) = shop.twin.control("GET", "faults")
    assert (rule["id"], rule["fired"], rule["times"]) == (fault, 2, 2)


def test_a_removed_rule_no_longer_fires_and_others_do(shop: Shop) -> None:
    outage = shop.twin.misbehave("GET /v1/events", "status", status=503, times=None)
    shop.twin.misbehave("GET /v1/refunds", "status", status=503)
    shop.twin.control("DELETE", f"faults/{outage}")
    shop.client.v1.events.list()
    with pytest.raises(stripe.APIError):
        shop.client.v1.refunds.list()
    assert shop.twin.http.delete(f"/_twin/faults/{outage}").status_code == 404


def test_a_rule_without_number_fires_until_it_is_cleared(shop: Shop) -> None:
    shop.twin.misbehave("GET /v1/events", "status", status=500, times=None)
    for _ in range(3):
        with pytest.raises(stripe.APIError):
            shop.client.v1.events.list()
    shop.twin.behave()
    assert shop.twin.control("GET", "faults") == []
    shop.client.v1.events.list()


@pytest.mark.parametrize(
    "rule", [{"on": "GET /", "do": "explode"}, {"on": "GET /"}, {"on": "*", "do": "hang", "for": 3}]
)
def test_an_invalid_rule_is_refused(shop: Shop, rule: dict[str, Any]) -> None:
    assert shop.twin.http.post("/_twin/faults", json=rule).status_code == 400
    assert shop.twin.control("GET", "faults") == []


def test_an_unknown_setting_is_refused(shop: Shop) -> None:
    answer = shop.twin.http.put("/_twin/settings", json={"refunds_pendign": True})
    assert answer.status_code == 400
    assert "refunds_pendign" in answer.json()["detail"]


def test_every_request_is_recorded_with_its_key_and_outcome(shop: Shop) -> None:
    payment = shop.payment()
    shop.twin.misbehave("POST /v1/refunds", "lose_reply")
    with pytest.raises(stripe.APIConnectionError):
        shop.client.v1.refunds.create({"payment_intent": payment}, {"idempotency_key": "on-the-ledger"})
    (request,) = [one for one in shop.twin.ledger()["requests"] if one["idempotency_key"] == "on-the-ledger"]
    assert (request["method"], request["path"], request["body"]) == (
        "POST",
        "/v1/refunds",
        f"payment_intent={payment}",
    )
    assert (request["status"], request["outcome"]) == (200, "lose_reply")


def test_the_twin_reports_its_health(shop: Shop) -> None:
    assert shop.twin.control("GET", "health") == {"twin": "stripe", "status": "ok"}


def test_a_webhook_is_retried_until_the_receiver_answers_200(shop: Shop, receiver: WebhookReceiver) -> None:
    shop.twin.turn(enabled_events=[COMPLETED], webhook_delays_seconds=[0.02, 0.02, 0.02])
    receiver.answers = [500, 302, 404]
    shop.paid_session()
    received = receiver.wait_for(COMPLETED, 4)
    assert [one.answered for one in received] == [500, 302, 404, 200]
    assert len({one.json["id"] for one in received}) == 1
    event_id = received[0].json["id"]
    eventually(lambda: state_of(shop.twin, event_id) == "delivered")
    assert attempts_for(shop.twin, event_id) == [500, 302, 404, 200]


def test_after_the_last_retry_a_webhook_is_delivered_on_request_only(
    shop: Shop, receiver: WebhookReceiver
) -> None:
    shop.twin.turn(enabled_events=[COMPLETED], webhook_delays_seconds=[0.02])
    receiver.answers = [500, 500]
    shop.paid_session()
    event_id = last_event(shop)
    eventually(lambda: state_of(shop.twin, event_id) == "given_up")
    shop.twin.control("POST", f"webhooks/{event_id}/deliver")
    assert receiver.wait_for(COMPLETED, 3)[-1].answered == 200


def test_a_webhook_can_come_twice(shop: Shop, receiver: WebhookReceiver) -> None:
    shop.twin.misbehave(f"webhook:{COMPLETED}", "twice")
    shop.paid_session()
    first, second = receiver.wait_for(COMPLETED, 2)
    assert first.json["id"] == second.json["id"]


def test_a_webhook_can_come_late(shop: Shop, receiver: WebhookReceiver) -> None:
    shop.twin.misbehave("webhook:checkout.*", "late", seconds=0.3)
    before = time.monotonic()
    shop.paid_session()
    receiver.wait_for(COMPLETED)
    assert time.monotonic() - before >= 0.3


def test_a_webhook_can_be_overtaken_by_the_next(shop: Shop, receiver: WebhookReceiver) -> None:
    shop.twin.turn(enabled_events=[COMPLETED])
    shop.twin.misbehave(f"webhook:{COMPLETED}", "out_of_order")
    sessions = [shop.paid_session().id for _ in range(2)]
    came = [one.json["data"]["object"]["id"] for one in receiver.wait_for(COMPLETED, 2)]
    assert came == sessions[::-1]


def test_a_suppressed_webhook_can_be_delivered_by_hand(shop: Shop, receiver: WebhookReceiver) -> None:
    shop.twin.misbehave(f"webhook:{COMPLETED}", "never")
    shop.paid_session()
    event_id = last_event(shop)
    assert state_of(shop.twin, event_id) == "suppressed"
    assert receiver.all(COMPLETED) == []
    shop.twin.control("POST", f"webhooks/{event_id}/deliver")
    assert receiver.wait_for(COMPLETED)[0].json["id"] == event_id


def test_state_survives_a_kill_and_undelivered_webhooks_are_resumed(tmp_path: Path) -> None:
    arguments = ["--data", str(tmp_path), "--secret-key", SECRET_KEY]
    with running_twin("stripe", *arguments, "--webhook-url", "http://127.0.0.1:1/nobody") as first:
        shop = Shop(first, client_of(first))
        first.turn(enabled_events=[COMPLETED], webhook_delays_seconds=[0.3] * 20)
        payment = shop.payment()
        refund = shop.client.v1.refunds.create({"payment_intent": payment}, {"idempotency_key": "before"})
        event_id = last_event(shop)
        eventually(lambda: attempts_for(first, event_id))
        first.kill()
    with running_twin("stripe", *arguments) as second:
        assert second.control("GET", "settings")["enabled_events"] == [COMPLETED]
        again = client_of(second).v1.refunds.create(
            {"payment_intent": payment}, {"idempotency_key": "before"}
        )
        assert again.id == refund.id
        assert len(second.ledger()["objects"]["refund"]) == 1
        eventually(lambda: len(attempts_for(second, event_id)) > 1)


def test_a_twin_stops_at_once_even_while_requests_hang() -> None:
    with running_twin("stripe", "--secret-key", SECRET_KEY) as twin:
        twin.misbehave("GET /v1/events", "hang", seconds=60)
        errors: list[Exception] = []

        def wait_in_vain() -> None:
            try:
                httpx2.get(
                    f"{twin.url}/v1/events",
                    headers={"Authorization": f"Bearer {SECRET_KEY}"},
                    trust_env=False,
                )
            except httpx2.HTTPError as error:
                errors.append(error)

        waiting = threading.Thread(target=wait_in_vain)
        waiting.start()
        eventually(lambda: twin.control("GET", "faults")[0]["fired"])
        signaled_at = time.monotonic()
        twin.process.send_signal(signal.SIGTERM)
        twin.process.wait(timeout=5)
        assert time.monotonic() - signaled_at < 1
        waiting.join()
        assert len(errors) == 1
