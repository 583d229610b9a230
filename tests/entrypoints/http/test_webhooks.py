from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from structlog.testing import capture_logs

from domain.order import events as e
from domain.order.deterministic_ids import email_id_of
from domain.order.values import EmailKind
from domain.ports.errors import UnavailableError
from domain.ports.payments import CheckoutState
from entrypoints.http.webhooks.handlers import MAX_WEBHOOK_BYTES
from tests.entrypoints.support.http_fixtures import PORTRAIT, ApiClient, assert_problem

#: Events that wait for the provider at the same time.
SLOW_EVENTS = 4


def test_a_signed_payment_makes_an_order(api: ApiClient) -> None:
    session_id = api.shop.upload(PORTRAIT)
    answer = api.post_from_stripe(api.payment_event(session_id))
    assert (answer.status_code, answer.content) == (200, b"")
    order_id = api.shop.upload_service.find(session_id).order_id
    assert isinstance(api.shop.events(order_id)[0], e.PaymentReceived)


def test_a_payment_that_is_posted_twice_is_one_order(api: ApiClient) -> None:
    session_id = api.shop.upload(PORTRAIT)
    event = api.payment_event(session_id)
    assert [api.post_from_stripe(event).status_code for _ in range(2)] == [200, 200]
    assert len(api.shop.events(api.shop.upload_service.find(session_id).order_id)) == 1


def test_the_same_event_with_other_contents_changes_nothing_and_is_quarantined(api: ApiClient) -> None:
    session_id = api.shop.upload(PORTRAIT)
    event = api.payment_event(session_id)
    api.post_from_stripe(event)
    api.shop.work()
    before = api.shop.own_unit_of_work.pages
    changed = api.payment_event(api.shop.upload(PORTRAIT)) | {"id": event["id"]}
    assert [api.post_from_stripe(changed).status_code for _ in range(2)] == [200, 200]
    after = api.shop.own_unit_of_work.pages
    assert after.streams == before.streams
    assert (after.unmatched, after.work) == (before.unmatched, before.work)
    assert [conflict.event_id for conflict in after.conflicts.values()] == [event["id"]]


def test_the_same_event_is_the_same_however_many_endpoints_wait_for_it(api: ApiClient) -> None:
    event = api.payment_event(api.shop.upload(PORTRAIT))
    for waiting in (2, 1):
        assert api.post_from_stripe(event | {"pending_webhooks": waiting}).status_code == 200
    assert not api.shop.own_unit_of_work.pages.conflicts


@pytest.mark.parametrize(
    ("field", "value"), [("amount_total", 10**30), ("amount_total", -5), ("currency", ""), ("id", "c" * 3000)]
)
def test_a_signed_payment_out_of_bounds_is_not_believed_and_logged_by_its_field(
    api: ApiClient, field: str, value: object
) -> None:
    event = api.payment_event(api.shop.upload(PORTRAIT))
    session = {
        **event["data"]["object"],
        field: value,
        "customer_details": {"email": "ada@customers.example"},
    }
    with capture_logs() as log:
        answers = [api.post_from_stripe({**event, "data": {"object": session}}) for _ in range(2)]
    for answer in answers:
        assert_problem(answer, 400, "message-forged")
    refused = [line["reason"] for line in log if line["event"] == "request_refused"]
    assert len(refused) == 2
    assert all(f"$.{field}" in reason for reason in refused)
    assert "customers.example" not in str(log)
    assert not api.shop.own_unit_of_work.pages.streams
    assert not api.shop.own_unit_of_work.pages.unmatched


def test_a_forged_payment_changes_nothing(api: ApiClient) -> None:
    session_id = api.shop.upload(PORTRAIT)
    event = api.payment_event(session_id)
    before = api.shop.own_unit_of_work.pages
    assert_problem(api.post_from_stripe(event, secret="whsec_guessed"), 400, "message-forged")
    assert_problem(api.http.post("/api/webhooks/stripe", json=event), 400, "message-forged")
    assert_problem(api.http.post("/api/webhooks/stripe"), 400, "message-forged")
    assert api.shop.own_unit_of_work.pages is before
    assert not api.shop.queue.waiting


def test_a_webhook_is_not_acknowledged_unless_it_was_stored(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = api.shop.upload(PORTRAIT)
    event = api.payment_event(session_id)

    def unavailable(*_: object) -> None:
        raise UnavailableError("PostgreSQL", "it restarts")

    with monkeypatch.context() as outage:
        outage.setattr(api.shop.payment_webhook, "handle_paid", unavailable)
        assert_problem(api.post_from_stripe(event), 503, "unavailable")
    assert api.post_from_stripe(event).status_code == 200


def test_events_that_wait_for_the_provider_delay_no_payment(api: ApiClient) -> None:
    paid = api.payment_event(api.shop.upload(PORTRAIT))
    expired = [
        api.payment_event(api.shop.upload(PORTRAIT)) | {"type": "checkout.session.expired"}
        for _ in range(SLOW_EVENTS)
    ]
    reached, may_go_on = Semaphore(0), Event()
    find_checkout = api.shop.payments.find_checkout

    def hang(checkout_session_id: str) -> CheckoutState | None:
        reached.release()
        assert may_go_on.wait(timeout=20)
        return find_checkout(checkout_session_id)

    api.shop.payments.find_checkout = hang  # type: ignore[method-assign]
    with ThreadPoolExecutor(SLOW_EVENTS + 1) as clients:
        waiting = [clients.submit(api.post_from_stripe, event) for event in expired]
        try:
            assert all(reached.acquire(timeout=10) for _ in waiting)
            assert clients.submit(api.post_from_stripe, paid).result(timeout=5).status_code == 200
        finally:
            may_go_on.set()
        assert {answer.result().status_code for answer in waiting} == {200}


def restoring(api: ApiClient) -> tuple[str, str]:
    """An order with a running prediction; return it and its webhook path."""
    api.shop.pay(api.shop.upload(PORTRAIT))
    api.shop.work()
    ((prediction_id, work),) = api.shop.restorer.works.items()
    api.shop.restorer.succeed(prediction_id, b"restored")
    return prediction_id, urlsplit(work.webhook_url).path


def test_a_signed_webhook_collects_its_prediction(api: ApiClient) -> None:
    prediction_id, path = restoring(api)
    assert api.post_from_replicate(path, prediction_id).status_code == 200
    api.shop.work()
    (order,) = api.shop.own_unit_of_work.pages.orders.values()
    assert len(order.restored_images) == 1


def test_a_webhook_at_a_forged_address_changes_nothing(api: ApiClient) -> None:
    prediction_id, path = restoring(api)
    before = api.shop.own_unit_of_work.pages
    folder, _, token = path.rpartition("/")
    forged = f"{folder}/{'A' * len(token)}"
    assert_problem(api.post_from_replicate(forged, prediction_id), 400, "message-forged")
    other_attempt = f"{folder.removesuffix('/1')}/2/{token}"
    assert_problem(api.post_from_replicate(other_attempt, prediction_id), 400, "message-forged")
    assert api.shop.own_unit_of_work.pages is before


def test_a_forged_prediction_webhook_changes_nothing(api: ApiClient) -> None:
    prediction_id, path = restoring(api)
    before = api.shop.own_unit_of_work.pages
    answer = api.post_from_replicate(path, prediction_id, secret="whsec_Z3Vlc3NlZA==")
    assert_problem(answer, 400, "message-forged")
    assert api.shop.own_unit_of_work.pages is before
    assert not api.shop.queue.waiting


def test_a_mail_that_bounces_before_the_shop_knows_it_was_sent_is_put_on_record(
    api: ApiClient,
) -> None:
    order_id = api.shop.pay(api.shop.upload(PORTRAIT))
    assert api.post_from_sendgrid([bounce(order_id)]).status_code == 200
    assert any(isinstance(event, e.EmailBounced) for event in api.shop.events(order_id))


def test_a_mail_event_repeated_in_another_batch_is_a_duplicate(api: ApiClient) -> None:
    order_id = api.shop.pay(api.shop.upload(PORTRAIT))
    first = bounce(order_id)
    api.post_from_sendgrid([first])
    again = {**first, "sg_event_id": "sg_2"}  # reported to change in a retry
    api.post_from_sendgrid([{**first, "timestamp": 1773500999, "sg_event_id": "sg_3"}, again])
    assert not api.shop.own_unit_of_work.pages.conflicts
    assert sum(isinstance(event, e.EmailBounced) for event in api.shop.events(order_id)) == 1
    api.post_from_sendgrid([{**first, "status": "4.0.0"}])
    assert [conflict.source for conflict in api.shop.own_unit_of_work.pages.conflicts.values()] == [
        "sendgrid"
    ]


def test_a_forged_mail_webhook_changes_nothing(api: ApiClient) -> None:
    order_id = api.shop.pay(api.shop.upload(PORTRAIT))
    before = api.shop.own_unit_of_work.pages
    key = ec.generate_private_key(ec.SECP256R1())
    assert_problem(api.post_from_sendgrid([bounce(order_id)], key), 400, "message-forged")
    assert api.shop.own_unit_of_work.pages is before


def test_no_provider_posts_as_much_as_this(api: ApiClient) -> None:
    for path in ("/api/webhooks/stripe", "/api/webhooks/sendgrid"):
        assert_problem(api.http.post(path, content=bytes(MAX_WEBHOOK_BYTES + 1)), 413, "body-too-large")


def bounce(order_id: object) -> dict[str, object]:
    email_id = email_id_of(order_id, EmailKind.CONFIRMATION)  # type: ignore[arg-type]
    return {
        "event": "bounce",
        "email": "adele@customers.example",
        "timestamp": 1773500966,
        "sg_event_id": "sg_1",
        "sg_message_id": "m1.recvd",
        "order_id": str(order_id),
        "email_id": str(email_id),
        "status": "5.1.1",
    }


def test_an_event_of_another_shop_on_the_account_is_answered_logged_and_not_stored(api: ApiClient) -> None:
    event = api.payment_event(api.shop.upload(b"wedding"))
    event["data"]["object"]["metadata"] = {"upload_session_id": str(uuid4()), "order_id": str(uuid4())}
    event["data"]["object"]["id"] = "cs_of_another_shop"
    with capture_logs() as logs:
        assert api.post_from_stripe(event).status_code == 200
    assert ("webhook_of_another_shop", event["id"]) in {
        (line["event"], line.get("event_id")) for line in logs
    }
    assert not api.shop.own_unit_of_work.pages.inbox
    assert not api.shop.own_unit_of_work.pages.unmatched
