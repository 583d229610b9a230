import pwd
from dataclasses import replace
from typing import Any

import pytest
from stripe import _telemetry_id

from domain.order.values import DisputeOutcome
from domain.ports.errors import (
    AccountRefusedError,
    LostReplyError,
    OutsideError,
    RefusedError,
    UnavailableError,
)
from tests.adapters.support.misbehaving_server import RogueServer
from tests.adapters.support.provider_accounts import STRIPE_SECRET_KEY, stripe_payments
from tests.contracts.test_payments import discounted, new_checkout, pay_at, refund
from tests.sandbox.processes import TwinProcess


def answer_with(rogue: RogueServer, status: int, body: bytes) -> None:
    for method in ("GET", "POST"):
        rogue.manners[method] = lambda request: request.answer(status, body, Content_Type="application/json")


def test_a_checkout_sends_stripe_the_purchase_and_our_ids(stripe: TwinProcess) -> None:
    requested = new_checkout(photos=4)
    opened = stripe_payments(stripe.url).open_checkout(requested)
    intent = pay_at(stripe, opened.checkout_session_id)
    objects = stripe.ledger()["objects"]
    (session,) = [one for one in objects["checkout.session"] if one["id"] == opened.checkout_session_id]
    (payment,) = [one for one in objects["payment_intent"] if one["id"] == intent]
    (charge,) = [one for one in objects["charge"] if one["payment_intent"] == intent]
    ids = {
        "upload_session_id": str(requested.upload_session_id),
        "order_id": str(requested.order_id),
        "seal": requested.payment_token,
    }
    assert session["metadata"] == payment["metadata"] == charge["metadata"] == ids
    assert (session["amount_total"], session["currency"]) == (4 * 490, "eur")
    assert session["customer_email"] == "adele@example.com"


def test_a_process_without_a_home_and_a_user_name_reaches_stripe(
    stripe: TwinProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    # systemd's DynamicUser, and containers that run as any number: the SDK would keep an id of its own in the home.
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: {}[uid])
    monkeypatch.setattr(_telemetry_id, "_loaded", False)
    stripe_payments(stripe.url).open_checkout(new_checkout())


def test_points_are_a_coupon_for_one_payment_on_one_page(stripe: TwinProcess) -> None:
    requested = discounted(100)
    assert requested.spending is not None
    payments = stripe_payments(stripe.url)
    opened = payments.open_checkout(requested)
    objects = stripe.ledger()["objects"]
    (session,) = [one for one in objects["checkout.session"] if one["id"] == opened.checkout_session_id]
    ((coupon_id,),) = [tuple({one["coupon"] for one in session["discounts"]})]
    (coupon,) = [one for one in objects["coupon"] if one["id"] == coupon_id]
    assert (coupon["amount_off"], coupon["currency"], coupon["duration"]) == (100, "eur", "once")
    assert (coupon["max_redemptions"], coupon["times_redeemed"]) == (1, 0)
    assert coupon["redeem_by"] == session["expires_at"] == int(requested.expires_at.timestamp())
    assert session["metadata"]["points_of"] == str(requested.spending.customer_id)
    assert (session["amount_total"], session["total_details"]["amount_discount"]) == (390, 100)


def test_a_coupon_whose_reply_was_lost_is_made_once(stripe: TwinProcess) -> None:
    before = len(stripe.ledger()["objects"].get("coupon", []))
    requested = discounted(100)
    stripe.misbehave("POST /v1/coupons", "lose_reply")
    payments = stripe_payments(stripe.url)
    with pytest.raises(LostReplyError):
        payments.open_checkout(requested)
    payments.open_checkout(requested)
    assert len(stripe.ledger()["objects"]["coupon"]) == before + 1


def test_stripe_asks_for_an_address_that_is_not_given(stripe: TwinProcess) -> None:
    opened = stripe_payments(stripe.url).open_checkout(replace(new_checkout(), email=None))
    (session,) = [
        one
        for one in stripe.ledger()["objects"]["checkout.session"]
        if one["id"] == opened.checkout_session_id
    ]
    assert session["customer_email"] is None


@pytest.mark.parametrize(("asks", "status", "phone"), [(True, 400, "+43 1 5550"), (False, 303, None)])
def test_stripe_asks_for_a_phone_number_where_the_shop_does(
    stripe: TwinProcess,
    asks: bool,  # noqa: FBT001 -- a case
    status: int,
    phone: str | None,
) -> None:
    payments = stripe_payments(stripe.url)
    opened = payments.open_checkout(replace(new_checkout(), asks_for_phone=asks))
    page = f"/c/pay/{opened.checkout_session_id}"
    form = {"action": "pay", "email": "adele@example.com"}
    assert ('name="phone"' in stripe.http.get(page).text) is asks
    assert stripe.http.post(page, data=form).status_code == status
    if asks:
        assert stripe.http.post(page, data={**form, "phone": "+43 1 5550"}).status_code == 303
    found = payments.find_checkout(opened.checkout_session_id)
    assert found is not None
    assert found.checkout.phone == phone


def test_a_refund_carries_our_id_at_stripe(stripe: TwinProcess) -> None:
    payments = stripe_payments(stripe.url)
    requested = refund(pay_at(stripe, payments.open_checkout(new_checkout()).checkout_session_id))
    made = payments.issue_refund(requested)
    (kept,) = [one for one in stripe.ledger()["objects"]["refund"] if one["id"] == made.provider_refund_id]
    assert kept["metadata"] == {"refund_id": str(requested.refund_id), "order_id": str(requested.order_id)}


def test_a_pending_refund_counts_as_issued(stripe: TwinProcess) -> None:
    stripe.turn(refunds_pending=True)
    payments = stripe_payments(stripe.url)
    intent = pay_at(stripe, payments.open_checkout(new_checkout()).checkout_session_id)
    assert not payments.issue_refund(refund(intent)).has_failed


def test_a_refund_that_fails_at_once_is_refused_with_its_reason(rogue: RogueServer) -> None:
    body = b"""{"id": "re_1", "object": "refund", "status": "failed", "amount": 490, "currency": "eur",
                "failure_reason": "lost_or_stolen_card"}"""
    answer_with(rogue, 200, body)
    with pytest.raises(RefusedError) as refusal:
        stripe_payments(rogue.url).issue_refund(refund("pi_1"))
    assert refusal.value.code == "lost_or_stolen_card"


@pytest.mark.parametrize(
    ("status", "error", "ours", "code"),
    [
        (
            400,
            '{"type": "invalid_request_error", "code": "amount_too_small"}',
            RefusedError,
            "amount_too_small",
        ),
        (400, '{"type": "idempotency_error"}', RefusedError, "IdempotencyError"),
        (400, '{"code": "rate_limit"}', UnavailableError, None),
        (401, '{"type": "invalid_request_error"}', AccountRefusedError, None),
        (402, '{"type": "card_error", "code": "card_declined"}', RefusedError, "card_declined"),
        (403, '{"type": "invalid_request_error"}', AccountRefusedError, None),
        (404, '{"code": "resource_missing", "param": "payment_intent"}', RefusedError, "resource_missing"),
        (409, '{"code": "idempotency_key_in_use"}', LostReplyError, None),
        (429, '{"code": "rate_limit"}', UnavailableError, None),
        (500, '{"type": "api_error"}', LostReplyError, None),
        (503, '{"type": "api_error"}', LostReplyError, None),
    ],
)
def test_each_error_says_whether_to_retry(
    rogue: RogueServer, status: int, error: str, ours: type[OutsideError], code: str | None
) -> None:
    answer_with(rogue, status, b'{"error": %b}' % error.encode())
    with pytest.raises(OutsideError) as raised:
        stripe_payments(rogue.url).issue_refund(refund("pi_1"))
    assert type(raised.value) is ours
    assert getattr(raised.value, "code", None) == code


@pytest.mark.parametrize(
    "manner", ["hang", "hang_up", "speak_html"], ids=["no answer", "a broken connection", "a proxy's page"]
)
def test_a_write_without_an_answer_may_have_been_done_and_a_read_cannot(
    rogue: RogueServer, manner: str
) -> None:
    def behave(request: Any) -> None:
        request.answer(502, b"<html>") if manner == "speak_html" else getattr(request, manner)()

    rogue.manners = {"GET": behave, "POST": behave}
    payments = stripe_payments(rogue.url, timeout_seconds=0.1)
    with pytest.raises(LostReplyError):
        payments.issue_refund(refund("pi_1"))
    with pytest.raises(UnavailableError) as raised:
        payments.find_refund("pi_1", refund("pi_1").refund_id)
    assert type(raised.value) is UnavailableError


def test_an_error_contains_no_key_and_no_personal_data(rogue: RogueServer, stripe: TwinProcess) -> None:
    message = f'"message": "Invalid email: adele@example.com with {STRIPE_SECRET_KEY}"'
    answer_with(rogue, 400, b'{"error": {%b, "code": "email_invalid"}}' % message.encode())
    with pytest.raises(RefusedError) as refusal:
        stripe_payments(rogue.url).open_checkout(new_checkout())
    assert str(refusal.value) == "Stripe refuses: email_invalid (status 400, request None)"
    with pytest.raises(AccountRefusedError) as account:
        stripe_payments(stripe.url, secret_key="sk_test_somebody_else").open_checkout(new_checkout())
    assert "sk_test" not in str(account.value)


def test_a_key_whose_checkout_has_ended_opens_nothing(rogue: RogueServer) -> None:
    body = b'{"id": "cs_1", "object": "checkout.session", "status": "expired", "url": null, "expires_at": 1}'
    answer_with(rogue, 200, body)
    with pytest.raises(RefusedError, match="checkout cs_1 is expired"):
        stripe_payments(rogue.url).open_checkout(new_checkout())


def test_a_dispute_under_appeal_is_open_until_the_appeal_is_decided(stripe: TwinProcess) -> None:
    payments = stripe_payments(stripe.url)
    intent = pay_at(stripe, payments.open_checkout(new_checkout()).checkout_session_id)
    dispute_id = stripe.control("POST", "disputes", {"payment_intent": intent})["id"]
    outcomes = []
    for step, verdict in (("close", {"status": "lost"}), ("appeal", None), ("close", {"status": "won"})):
        stripe.control("POST", f"disputes/{dispute_id}/{step}", verdict)
        found = payments.look_up_dispute(dispute_id)
        assert found is not None
        outcomes.append(found.outcome)
    assert outcomes == [DisputeOutcome.LOST, None, DisputeOutcome.WON]
