import pytest
import stripe

from tests.sandbox.receiver import WebhookReceiver
from tests.sandbox.stripe_client import Shop


def test_a_refund_returns_the_unrefunded_amount(shop: Shop, receiver: WebhookReceiver) -> None:
    payment = shop.payment(photos=3)
    part = shop.client.v1.refunds.create(
        {"payment_intent": payment, "amount": 900, "metadata": {"image": "img_2"}}
    )
    assert (part.amount, part.status, part.currency) == (900, "succeeded", "eur")
    rest = shop.client.v1.refunds.create({"payment_intent": payment, "reason": "requested_by_customer"})
    assert rest.amount == 1800
    assert isinstance(rest.charge, str)
    assert shop.client.v1.charges.retrieve(rest.charge).refunded
    assert {one.id for one in shop.client.v1.refunds.list({"payment_intent": payment}).data} == {
        part.id,
        rest.id,
    }
    receiver.wait_for("refund.created", 2)
    events = [
        one.json["data"]["object"]["amount_refunded"] for one in receiver.wait_for("charge.refunded", 2)
    ]
    assert sorted(events) == [900, 2700]


def test_more_than_was_paid_cannot_be_refunded(shop: Shop) -> None:
    payment = shop.payment()
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        shop.client.v1.refunds.create({"payment_intent": payment, "amount": 901})
    shop.client.v1.refunds.create({"payment_intent": payment})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.client.v1.refunds.create({"payment_intent": payment, "amount": 1})
    assert refusal.value.code == "charge_already_refunded"


def test_an_unpaid_session_is_not_refunded(shop: Shop) -> None:
    session = shop.open_session()
    shop.press(session, "decline")
    intent = shop.client.v1.checkout.sessions.retrieve(session.id).payment_intent
    assert isinstance(intent, str)
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        shop.client.v1.refunds.create({"payment_intent": intent})
    with pytest.raises(stripe.InvalidRequestError, match="payment_intent or charge"):
        shop.client.v1.refunds.create({"amount": 5})


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_a_pending_refund_is_settled_later(shop: Shop, receiver: WebhookReceiver, outcome: str) -> None:
    shop.twin.turn(refunds_pending=True)
    refund = shop.client.v1.refunds.create({"payment_intent": shop.payment()})
    assert refund.status == "pending"
    shop.twin.control("POST", f"refunds/{refund.id}/settle", {"outcome": outcome})
    (updated,) = receiver.wait_for("refund.updated")
    assert updated.json["data"]["object"]["status"] == outcome
    assert shop.client.v1.refunds.retrieve(refund.id).status == outcome


def test_a_failed_refund_can_be_made_again(shop: Shop, receiver: WebhookReceiver) -> None:
    payment = shop.payment()
    first = shop.client.v1.refunds.create({"payment_intent": payment})
    shop.twin.control("POST", f"refunds/{first.id}/settle", {"outcome": "failed"})
    (failed,) = receiver.wait_for("refund.failed")
    assert failed.json["data"]["object"]["failure_reason"]
    assert shop.client.v1.refunds.create({"payment_intent": payment}).amount == 900


def test_a_refund_in_the_dashboard_names_no_request(shop: Shop, receiver: WebhookReceiver) -> None:
    payment = shop.payment(photos=2)
    shop.twin.control("POST", "refunds", {"payment_intent": payment, "amount": 900})
    (refunded,) = receiver.wait_for("charge.refunded")
    assert refunded.json["request"]["id"] is None
    assert refunded.json["data"]["object"]["amount_refunded"] == 900


@pytest.mark.parametrize(("status", "funds"), [("lost", []), ("won", ["charge.dispute.funds_reinstated"])])
def test_a_dispute_is_opened_reviewed_and_closed(
    shop: Shop, receiver: WebhookReceiver, status: str, funds: list[str]
) -> None:
    payment = shop.payment()
    opened = shop.twin.control(
        "POST", "disputes", {"payment_intent": payment, "reason": "product_not_received"}
    )
    receiver.wait_for("charge.dispute.funds_withdrawn")
    (created,) = receiver.wait_for("charge.dispute.created")
    assert created.json["data"]["object"]["payment_intent"] == payment
    shop.twin.control("POST", f"disputes/{opened['id']}/review")
    receiver.wait_for("charge.dispute.updated")
    shop.twin.control("POST", f"disputes/{opened['id']}/close", {"status": status})
    receiver.wait_for("charge.dispute.closed")
    for event_type in funds:
        receiver.wait_for(event_type)
    dispute = shop.client.v1.disputes.retrieve(opened["id"])
    assert (dispute.status, dispute.reason) == (status, "product_not_received")


def test_a_disputed_payment_is_not_refunded_as_well(shop: Shop) -> None:
    payment = shop.payment()
    shop.twin.control("POST", "disputes", {"payment_intent": payment})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.client.v1.refunds.create({"payment_intent": payment})
    assert refusal.value.code == "charge_disputed"


def test_an_inquiry_withdraws_no_money_and_allows_refunds_until_escalated(
    shop: Shop, receiver: WebhookReceiver
) -> None:
    asked, disputed = shop.payment(), shop.payment()
    inquiries = [
        shop.twin.control("POST", "disputes", {"payment_intent": payment, "is_inquiry": True})
        for payment in (asked, disputed)
    ]
    assert {one["status"] for one in inquiries} == {"warning_needs_response"}
    shop.client.v1.refunds.create({"payment_intent": asked})
    shop.twin.control("POST", f"disputes/{inquiries[0]['id']}/close", {"status": "warning_closed"})
    (closed,) = receiver.wait_for("charge.dispute.closed")
    assert closed.json["data"]["object"]["status"] == "warning_closed"
    shop.twin.control("POST", f"disputes/{inquiries[1]['id']}/escalate")
    (taken,) = receiver.wait_for("charge.dispute.funds_withdrawn")
    assert taken.json["data"]["object"]["status"] == "needs_response"
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.client.v1.refunds.create({"payment_intent": disputed})
    assert refusal.value.code == "charge_disputed"


def test_an_amount_off_its_currencys_step_is_refused(shop: Shop) -> None:
    def line(unit_amount: int) -> dict[str, object]:
        price = {"currency": "kwd", "unit_amount": unit_amount, "product_data": {"name": "Restored portrait"}}
        return {"price_data": price, "quantity": 1}

    with pytest.raises(stripe.InvalidRequestError, match="evenly divisible by 10") as refusal:
        shop.open_session(line_items=[line(1235)])
    assert refusal.value.code == "amount_invalid"
    payment = shop.paid_session(line_items=[line(1230)], payment_method_types=["card"]).payment_intent
    for amount, is_paid in ((605, False), (600, True)):
        params = {"payment_intent": payment, "amount": amount}
        if is_paid:
            assert shop.client.v1.refunds.create(params).amount == amount  # type: ignore[arg-type]
        else:
            with pytest.raises(stripe.InvalidRequestError, match="evenly divisible by 10"):
                shop.client.v1.refunds.create(params)  # type: ignore[arg-type]
    with pytest.raises(stripe.InvalidRequestError, match="evenly divisible by 100"):
        shop.client.v1.coupons.create({"amount_off": 150, "currency": "isk"})
