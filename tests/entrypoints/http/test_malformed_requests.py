"""NUL bytes and deeply nested JSON get a 400, signed or not."""

import base64
import hashlib
import hmac

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.entrypoints.support.http_fixtures import (
    REPLICATE_SECRET,
    SENDGRID_KEY,
    STRIPE_SECRET,
    ApiClient,
    assert_problem,
)

DEEP = 6000
NESTED = {
    "lists": "[" * DEEP + "]" * DEEP,
    "objects": '{"a":' * DEEP + "1" + "}" * DEEP,
    "a list that never ends": "[" * DEEP,
    "objects behind brackets in strings": '["' + "]" * DEEP + '",' + '{"a":' * DEEP + "1" + "}" * DEEP + "]",
    "lists with a NUL": "[" * DEEP + '"\\u0000"' + "]" * DEEP,
}
each_nesting = pytest.mark.parametrize("nested", NESTED.values(), ids=NESTED)


@pytest.mark.parametrize("depth", [200, 1000, 7000])
@pytest.mark.parametrize("around", ["{}", '{{"session_id": {}}}', '{{"session_id": "1", "further": {}}}'])
def test_deep_json_from_a_stranger_is_malformed(api: ApiClient, around: str, depth: int) -> None:
    body = around.format("[" * depth + "]" * depth)
    sent = api.http.post("/api/checkout-sessions", content=body, headers={"Content-Type": "application/json"})
    assert "nested too deep" in assert_problem(sent, 400, "request-malformed")["detail"]


@each_nesting
def test_deep_json_that_stripe_signed_is_refused(api: ApiClient, nested: str) -> None:
    for body in (nested, f'{{"id": "evt_1", "type": "charge.updated", "data": {{"object": {nested}}}}}'):
        assert_problem(from_stripe(api, body.encode()), 400, "message-forged")


@each_nesting
def test_deep_json_that_sendgrid_signed_is_refused(api: ApiClient, nested: str) -> None:
    for body in (nested, f'[{{"event": "open", "category": {nested}}}]'):
        assert_problem(from_sendgrid(api, body.encode()), 400, "message-forged")


@each_nesting
def test_deep_json_that_replicate_signed_is_refused(api: ApiClient, nested: str) -> None:
    for body in (nested, f'{{"id": "p", "status": "succeeded", "output": {nested}}}'):
        assert_problem(from_replicate(api, body.encode()), 400, "message-forged")


@pytest.mark.parametrize("path", ["stripe", "sendgrid"])
@each_nesting
def test_deep_json_that_is_not_signed_is_refused(api: ApiClient, path: str, nested: str) -> None:
    assert_problem(api.http.post(f"/api/webhooks/{path}", content=nested), 400, "message-forged")


def test_json_that_is_broad_and_not_deep_is_read(api: ApiClient) -> None:
    events = [{"event": "open", "category": ["a", {"b": ["[[["]}]} for _ in range(500)]
    assert api.post_from_sendgrid(events).status_code == 200


@pytest.mark.parametrize("value", ["\0", "friend\0"])
@pytest.mark.parametrize("field", ["email", "locale", "referral_code", "points_code", "session_id"])
def test_a_nul_byte_in_a_field_is_malformed(api: ApiClient, field: str, value: str) -> None:
    body = {"session_id": str(api.open_session()), field: value}
    assert_problem(api.http.post("/api/checkout-sessions", json=body), 400, "request-malformed")


@pytest.mark.parametrize(
    "address",
    [
        "/api/uploads/%00",
        "/api/orders/%00",
        "/api/download/a%00b",
        "/api/download/%00/photos",
        "/nowhere/%00",
        "/health/live?probe=%00",
        "/api/uploads/0193aaaa-0000-7000-8000-000000000000?%00=1",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_nul_byte_in_an_address_is_malformed(api: ApiClient, method: str, address: str) -> None:
    problem = assert_problem(api.http.request(method, address), 400, "request-malformed")
    assert "its address has a NUL byte" in problem["detail"]


def test_a_nul_byte_in_a_file_name_is_malformed(api: ApiClient) -> None:
    session = api.open_session()
    assert_problem(api.send_photo(session, file_name="great\0aunt.jpg"), 400, "request-malformed")
    assert api.http.get(f"/api/uploads/{session}").json()["photos"] == []


def from_stripe(api: ApiClient, body: bytes) -> httpx.Response:
    timestamp = int(api.shop.clock.now().timestamp())
    digest = hmac.new(STRIPE_SECRET.encode(), b"%d.%b" % (timestamp, body), hashlib.sha256).hexdigest()
    headers = {"Stripe-Signature": f"t={timestamp},v1={digest}"}
    return api.http.post("/api/webhooks/stripe", content=body, headers=headers)


def from_sendgrid(api: ApiClient, body: bytes) -> httpx.Response:
    timestamp = str(int(api.shop.clock.now().timestamp()))
    signature = SENDGRID_KEY.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    headers = {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
    }
    return api.http.post("/api/webhooks/sendgrid", content=body, headers=headers)


def from_replicate(api: ApiClient, body: bytes) -> httpx.Response:
    order_id = api.shop.pay(api.shop.upload(b"wedding"))
    image = next(iter(api.shop.order(order_id).images))
    token = api.shop.token_signer.prediction_token(order_id, image, 1)
    timestamp = int(api.shop.clock.now().timestamp())
    key = base64.b64decode(REPLICATE_SECRET.removeprefix("whsec_"))
    digest = hmac.new(key, b"msg_1.%d.%b" % (timestamp, body), hashlib.sha256).digest()
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
    return api.http.post(
        f"/api/webhooks/replicate/{order_id}/{image}/1/{token}", content=body, headers=headers
    )
