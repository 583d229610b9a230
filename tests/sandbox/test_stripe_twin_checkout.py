import itertools
import time
from typing import Any, get_args

import httpx2
import pytest
import stripe
from stripe.checkout import Session

from tests.sandbox.receiver import WebhookReceiver
from tests.sandbox.stripe_client import WEBHOOK_SECRET, Shop, client_of
from tests.waiting import eventually


def test_a_new_session_is_open_and_costs_what_its_lines_add_up_to(shop: Shop) -> None:
    session = shop.open_session(
        photos=3,
        metadata={"upload_session": "up_17"},
        client_reference_id="visitor-4",
        locale="de",
        payment_intent_data={"metadata": {"origin": "web"}},
    )
    assert isinstance(session, Session)
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert (session.amount_subtotal, session.amount_total, session.currency) == (2700, 2700, "eur")
    assert session.metadata is not None
    assert session.metadata.to_dict() == {"upload_session": "up_17"}
    assert (session.client_reference_id, session.locale) == ("visitor-4", "de")
    assert session.customer_email == "adele@example.com"
    assert session.payment_intent is None
    assert session.url == f"{shop.twin.url}/c/pay/{session.id}"
    assert 0 <= session.expires_at - session.created - 24 * 3600 <= 1


def test_every_field_that_the_sdk_promises_is_there(shop: Shop) -> None:
    shop.payment()
    refund = shop.client.v1.refunds.create({"payment_intent": shop.payment()})
    dispute_id = shop.twin.control("POST", "disputes", {"payment_intent": shop.payment()})["id"]
    session = shop.open_session()
    one_of_each: list[Any] = [
        session,
        shop.client.v1.payment_intents.list({"limit": 1}).data[0],
        shop.client.v1.charges.list({"limit": 1}).data[0],
        refund,
        shop.client.v1.disputes.retrieve(dispute_id),
        shop.client.v1.events.list({"limit": 1}).data[0],
        shop.client.v1.checkout.sessions.line_items.list(session.id).data[0],
        shop.client.v1.coupons.create({"percent_off": 10}),
    ]
    for thing in one_of_each:
        promised = {
            name
            for name, annotation in type(thing).__annotations__.items()
            if type(None) not in get_args(annotation) and "ClassVar" not in str(annotation)
        }
        assert promised - set(thing.to_dict()) == set(), type(thing)


def test_line_items_are_listed_with_their_prices(shop: Shop) -> None:
    session = shop.open_session(photos=2)
    (item,) = shop.client.v1.checkout.sessions.line_items.list(session.id).data
    assert (item.description, item.quantity, item.amount_total) == ("Restored portrait", 2, 1800)
    assert item.price is not None
    assert item.price.unit_amount == 900


@pytest.mark.parametrize(
    ("wrong", "param", "code"),
    [
        ({"mode": ""}, "mode", "parameter_missing"),
        ({"success_url": ""}, "success_url", "parameter_missing"),
        ({"line_items": []}, "line_items", "parameter_missing"),
        ({"sucess_url": "http://shop.example"}, "sucess_url", "parameter_unknown"),
        ({"customer_email": "adele"}, "customer_email", "email_invalid"),
        ({"expires_at": 1}, "expires_at", None),
        ({"expires_at": int(time.time()) + 25 * 3600}, "expires_at", None),
        ({"expires_at": int(time.time()) + 20 * 60}, "expires_at", None),
        ({"metadata": {"story": "x" * 501}}, "metadata", None),
        ({"photos": 0}, "line_items[0][quantity]", "parameter_invalid_integer"),
    ],
)
def test_a_session_with_a_wrong_parameter_is_refused_by_name(
    shop: Shop, wrong: dict[str, Any], param: str, code: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.open_session(**wrong)
    assert (refusal.value.param, refusal.value.code, refusal.value.http_status) == (param, code, 400)


def test_unknown_objects_are_missing(shop: Shop) -> None:
    with pytest.raises(
        stripe.InvalidRequestError, match=r"No such checkout\.session: 'cs_test_no'"
    ) as refusal:
        shop.client.v1.checkout.sessions.retrieve("cs_test_no")
    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        shop.client.v1.customers.list()


def test_another_key_is_refused(shop: Shop) -> None:
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key provided") as refusal:
        client_of(shop.twin, key="sk_test_somebody_else").v1.events.list()
    assert refusal.value.http_status == 401
    assert refusal.value.request_id is not None


def test_the_page_shows_the_order_and_says_that_no_money_moves(shop: Shop) -> None:
    session = shop.open_session(photos=3)
    assert session.url is not None
    page = shop.twin.http.get(session.url)
    assert page.headers["content-type"].startswith("text/html")
    for shown in ("no real money", "Restored portrait", "27.00 EUR", 'value="adele@example.com"', "<label"):
        assert shown in page.text


def test_paying_completes_the_session_and_brings_the_customer_back(shop: Shop) -> None:
    session = shop.open_session(payment_intent_data={"metadata": {"origin": "web"}})
    back = shop.press(session, "pay")
    assert (back.status_code, back.headers["location"]) == (
        303,
        f"http://shop.example/thanks?session={session.id}",
    )
    paid = shop.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert paid.customer_details is not None
    assert (paid.customer_details.email, paid.customer_details.name) == ("adele@example.com", "Adele Brandt")
    intent = paid.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert (intent.status, intent.amount_received, intent.metadata.to_dict()) == (
        "succeeded",
        900,
        {"origin": "web"},
    )
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert (intent.latest_charge.paid, intent.latest_charge.amount) == (True, 900)


def test_a_paid_session_cannot_be_paid_again(shop: Shop) -> None:
    session = shop.open_session()
    shop.press(session, "pay")
    again = shop.press(session, "pay")
    assert again.status_code == 409
    assert "This order is complete" in again.text
    intent = shop.client.v1.checkout.sessions.retrieve(session.id).payment_intent
    assert isinstance(intent, str)
    assert len(shop.client.v1.charges.list({"payment_intent": intent}).data) == 1


def test_a_declined_card_leaves_the_session_open_and_can_be_followed_by_a_good_one(
    shop: Shop, receiver: WebhookReceiver
) -> None:
    session = shop.open_session()
    declined = shop.press(session, "decline")
    assert declined.status_code == 402
    assert "Your card was declined" in declined.text
    (failure,) = receiver.wait_for("payment_intent.payment_failed")
    assert failure.json["data"]["object"]["last_payment_error"]["code"] == "card_declined"
    assert shop.client.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert shop.press(session, "pay").status_code == 303
    assert shop.client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_cancelling_returns_to_the_basket_and_leaves_the_session_open(shop: Shop) -> None:
    session = shop.open_session()
    back = shop.press(session, "cancel", email="")
    assert (back.status_code, back.headers["location"]) == (303, "http://shop.example/basket")
    assert shop.client.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_paying_requires_an_email_address(shop: Shop) -> None:
    refused = shop.press(shop.open_session(), "pay", email="adele")
    assert refused.status_code == 400
    assert "complete e-mail address" in refused.text


@pytest.mark.parametrize(("outcome", "payment_status"), [("succeeded", "paid"), ("failed", "unpaid")])
def test_a_bank_debit_completes_the_session_first_and_settles_later(
    shop: Shop, receiver: WebhookReceiver, outcome: str, payment_status: str
) -> None:
    session = shop.open_session()
    assert shop.press(session, "pay_later").status_code == 303
    (completed,) = receiver.wait_for("checkout.session.completed")
    assert completed.json["data"]["object"]["payment_status"] == "unpaid"
    shop.twin.control("POST", f"checkout/{session.id}/settle", {"outcome": outcome})
    (settled,) = receiver.wait_for(f"checkout.session.async_payment_{outcome}")
    assert settled.json["data"]["object"]["id"] == session.id
    assert shop.client.v1.checkout.sessions.retrieve(session.id).payment_status == payment_status


def test_a_bank_debit_settles_by_itself_when_set(shop: Shop, receiver: WebhookReceiver) -> None:
    shop.twin.turn(debit_settles_after_seconds=60)
    session = shop.open_session()
    shop.press(session, "pay_later")
    shop.twin.turn(clock_ahead_seconds=61)
    receiver.wait_for("checkout.session.async_payment_succeeded")


def test_a_card_only_session_offers_no_bank_debit(shop: Shop) -> None:
    session = shop.open_session(payment_method_types=["card"])
    assert session.url is not None
    assert "bank debit" not in shop.twin.http.get(session.url).text
    assert shop.press(session, "pay_later").status_code == 400


def test_a_fully_discounted_order_needs_no_payment(shop: Shop) -> None:
    coupon = shop.client.v1.coupons.create({"percent_off": 100, "duration": "once"})
    session = shop.open_session(photos=2, discounts=[{"coupon": coupon.id}])
    assert (session.amount_subtotal, session.amount_total) == (1800, 0)
    assert session.total_details is not None
    assert session.total_details.amount_discount == 1800
    shop.press(session, "pay")
    done = shop.client.v1.checkout.sessions.retrieve(session.id)
    assert (done.status, done.payment_status, done.payment_intent) == (
        "complete",
        "no_payment_required",
        None,
    )


def test_a_session_expires_when_the_shop_says_so(shop: Shop, receiver: WebhookReceiver) -> None:
    session = shop.open_session()
    assert shop.client.v1.checkout.sessions.expire(session.id).status == "expired"
    (expired,) = receiver.wait_for("checkout.session.expired")
    assert expired.json["data"]["object"]["id"] == session.id
    refused = shop.press(session, "pay")
    assert refused.status_code == 409
    assert "expired" in refused.text
    with pytest.raises(stripe.InvalidRequestError, match="status"):
        shop.client.v1.checkout.sessions.expire(session.id)


def test_a_session_expires_by_itself_when_its_time_is_over(shop: Shop, receiver: WebhookReceiver) -> None:
    session = shop.open_session(expires_at=int(time.time()) + 31 * 60)
    shop.twin.turn(clock_ahead_seconds=32 * 60)
    eventually(lambda: shop.client.v1.checkout.sessions.retrieve(session.id).status == "expired")
    receiver.wait_for("checkout.session.expired")


def test_sessions_are_found_by_their_payment(shop: Shop) -> None:
    session = shop.paid_session()
    assert isinstance(session.payment_intent, str)
    (found,) = shop.client.v1.checkout.sessions.list({"payment_intent": session.payment_intent}).data
    assert found.id == session.id


def test_a_list_comes_newest_first_a_page_at_a_time(shop: Shop) -> None:
    opened = [shop.open_session().id for _ in range(5)]
    first = shop.client.v1.checkout.sessions.list({"limit": 2})
    assert ([one.id for one in first.data], first.has_more) == (opened[:2:-1], True)
    second = shop.client.v1.checkout.sessions.list({"limit": 2, "starting_after": opened[3]})
    assert [one.id for one in second.data] == [opened[2], opened[1]]
    newer = shop.client.v1.checkout.sessions.list({"limit": 2, "ending_before": opened[1]})
    assert [one.id for one in newer.data] == [opened[3], opened[2]]
    everything = shop.client.v1.checkout.sessions.list({"limit": 2}).auto_paging_iter()
    assert [one.id for one in itertools.islice(everything, 5)] == opened[::-1]
    assert shop.client.v1.checkout.sessions.list({"created": {"gt": int(time.time()) + 5}}).data == []


def test_events_can_be_listed_by_type_and_retrieved(shop: Shop) -> None:
    session = shop.paid_session()
    listed = shop.client.v1.events.list(
        {"types": ["checkout.session.completed", "charge.refunded"], "limit": 1}
    )
    (event,) = listed.data
    assert (event.type, event.api_version, event.livemode) == (
        "checkout.session.completed",
        "2026-10-28.endive",
        False,
    )
    assert event.data.object["id"] == session.id
    assert shop.client.v1.events.retrieve(event.id).id == event.id


def test_the_event_list_filters_undelivered_events(shop: Shop, receiver: WebhookReceiver) -> None:
    shop.twin.misbehave("webhook:checkout.session.completed", "never")
    lost = shop.paid_session()
    receiver.wait_for("payment_intent.succeeded")
    undelivered = shop.client.v1.events.list(
        {"delivery_success": False, "type": "checkout.session.completed"}
    )
    assert undelivered.data[0].data.object["id"] == lost.id


def test_a_webhook_is_signed_so_that_the_sdk_accepts_it(shop: Shop, receiver: WebhookReceiver) -> None:
    session = shop.paid_session(metadata={"upload_session": "up_17"})
    (completed,) = receiver.wait_for("checkout.session.completed")
    signature = completed.headers["stripe-signature"]
    event = stripe.Webhook.construct_event(completed.body, signature, WEBHOOK_SECRET)
    assert event.data.object["id"] == session.id
    assert event.data.object["metadata"]["upload_session"] == "up_17"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(completed.body, signature, "whsec_other")


def test_an_event_names_the_request_that_caused_it(shop: Shop, receiver: WebhookReceiver) -> None:
    shop.client.v1.refunds.create({"payment_intent": shop.payment()}, {"idempotency_key": "reaction-9"})
    (refunded,) = receiver.wait_for("charge.refunded")
    assert refunded.json["request"]["idempotency_key"] == "reaction-9"
    (completed,) = receiver.wait_for("checkout.session.completed")
    assert completed.json["request"] == {"id": None, "idempotency_key": None}


def test_the_keys_of_the_api_may_come_as_basic_auth(shop: Shop) -> None:
    answer = httpx2.get(f"{shop.twin.url}/v1/events", auth=("sk_test_51sandbox", ""), trust_env=False)
    assert answer.status_code == 200


def test_tax_is_added_on_top_once_the_customer_is_known(shop: Shop) -> None:
    shop.twin.turn(tax_on_top_percent=19)
    session = shop.open_session()
    assert shop.press(session, "decline").status_code == 402
    assert shop.press(session, "pay").status_code == 303
    paid = shop.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert paid.total_details is not None
    assert (paid.amount_subtotal, paid.amount_total, paid.total_details.amount_tax) == (900, 1071, 171)
    assert isinstance(paid.payment_intent, stripe.PaymentIntent)
    assert paid.payment_intent.amount_received == 1071


def test_a_paid_session_may_have_the_address_only_where_the_shop_gave_it(shop: Shop) -> None:
    shop.twin.turn(hides_customer_details=True)
    paid = shop.paid_session()
    assert (paid.customer_details, paid.customer_email) == (None, "adele@example.com")
