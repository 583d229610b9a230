import pytest
import stripe

from tests.sandbox.receiver import WebhookReceiver
from tests.sandbox.shop import Shop


def test_a_refund_gives_back_all_that_is_left(shop: Shop, receiver: WebhookReceiver) -> None:
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


def test_more_than_was_paid_is_never_refunded(shop: Shop) -> None:
    payment = shop.payment()
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        shop.client.v1.refunds.create({"payment_intent": payment, "amount": 901})
    shop.client.v1.refunds.create({"payment_intent": payment})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.client.v1.refunds.create({"payment_intent": payment, "amount": 1})
    assert refusal.value.code == "charge_already_refunded"


def test_what_was_not_paid_is_not_refunded(shop: Shop) -> None:
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
