import re
from uuid import uuid4

from adapters.localization.timeline_text import timeline_text_of
from domain.order import events as e
from domain.order.values import FailureReason
from domain.use_cases.support.staff_requests import StaffRequest
from tests.domain.support.orders import propose
from tests.entrypoints.support.http_fixtures import BROWSER, FIREFOX, PORTRAIT, ApiClient, assert_problem


def test_an_order_shows_its_owner_everything_but_names_and_addresses(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    answer = api.http.get(f"/api/orders/{order_id}")
    body = answer.json()
    assert (body["number"], body["state"]) == ("20260314-000001", "completed")
    assert body["paid"] == {"amount": 490, "currency": "EUR"}
    assert body["refunded"] == {"amount": 0, "currency": "EUR"}
    assert (body["is_held"], body["is_disputed"], body["download_is_available"]) == (False, False, True)
    (photo,) = body["photos"]
    assert (photo["file_name"], photo["state"], photo["attempts"]) == ("great-aunt-1.jpg", "restored", 1)
    assert body["emails"] == [
        {"kind": "confirmation", "status": "sent"},
        {"kind": "result", "status": "sent"},
    ]
    assert body["completed_at"] == body["history"][-1]["recorded_at"]
    assert "customer.example" not in answer.text
    assert "Ada" not in answer.text
    assert api.shop.token(order_id) not in answer.text


def test_the_history_is_the_log_in_sentences(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    history = api.http.get(f"/api/orders/{order_id}").json()["history"]
    assert [line["version"] for line in history] == list(range(1, len(history) + 1))
    assert [line["name"] for line in history] == [type(event).__name__ for event in api.shop.events(order_id)]
    assert "4.90 EUR" in history[0]["sentence"]


def test_the_history_names_neither_the_customers_devices_nor_staff(api: ApiClient) -> None:
    api.http.headers["User-Agent"] = FIREFOX
    session_id = api.shop.upload(PORTRAIT)
    api.http.post("/api/checkout-sessions", json={"session_id": str(session_id)})
    order_id = api.shop.pay(session_id)
    api.shop.live(order_id)
    api.http.post(f"/api/download/{api.shop.token(order_id)}/archive")
    api.shop.staff_actions.note(order_id, StaffRequest(actor="person:grace", reason="they called"))
    staff = " ".join(
        f"{line.who} {line.text}" for line in timeline_text_of(api.shop.queries.history(order_id)).entries
    )
    assert staff.count("Firefox on a desktop computer") == 3, "of the payment, the press and the file"
    assert "grace" in staff
    owner = api.http.get(f"/api/orders/{order_id}").text
    assert not re.search("Firefox|computer|network|grace", owner)
    assert "A person of the shop wrote a note about the order." in owner


def test_an_order_that_did_not_change_is_not_sent_again(api: ApiClient) -> None:
    order_id = api.shop.pay(api.shop.upload(PORTRAIT))
    for path in (f"/api/orders/{order_id}", f"/api/restoration/status/{order_id}"):
        etag = api.http.get(path).headers["etag"]
        unchanged = api.http.get(path, headers={"If-None-Match": f'"of-old", W/{etag}'})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert unchanged.headers["etag"] == etag
    api.shop.live(order_id)
    changed = api.http.get(path, headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


def test_progress_counts_the_photos_on_their_way(api: ApiClient) -> None:
    order_id = api.shop.pay(api.shop.upload(PORTRAIT, b"a wedding"))
    path = f"/api/restoration/status/{order_id}"
    waiting = api.http.get(path).json()
    assert (waiting["total"], waiting["running"], waiting["percent"]) == (2, 0, 0)
    assert {photo["state"] for photo in waiting["photos"]} == {"uploaded"}
    api.shop.work()
    running = api.http.get(path).json()
    assert (running["state"], running["running"], running["percent"]) == ("restoring", 2, 0)
    assert running["poll_after_seconds"] == 2
    first = next(iter(api.shop.restorer.works))
    api.shop.restorer.succeed(first, b"restored")
    api.shop.post_prediction(first)
    api.shop.work()
    halfway = api.http.get(path).json()
    assert (halfway["restored"], halfway["running"], halfway["percent"]) == (1, 1, 50)
    api.shop.live(order_id)
    done = api.http.get(path).json()
    assert (done["state"], done["percent"], done["poll_after_seconds"]) == ("completed", 100, None)


def test_a_failed_photo_is_reported_as_failed_and_its_money_as_refunded(api: ApiClient) -> None:
    order_id = api.shop.pay(api.shop.upload(PORTRAIT))
    api.shop.work()
    api.shop.end_predictions(FailureReason.REFUSED_INPUT)
    api.shop.live(order_id)
    body = api.http.get(f"/api/orders/{order_id}").json()
    assert [photo["state"] for photo in body["photos"]] == ["failed"]
    assert (body["state"], body["refunded"]["amount"], body["completed_at"]) == ("refunded", 490, None)
    assert body["download_is_available"] is False


def test_no_order_is_visible_before_its_payment(api: ApiClient) -> None:
    order_id = api.shop.upload_service.find(api.open_session()).order_id
    for path in (f"/api/orders/{order_id}", f"/api/restoration/status/{uuid4()}"):
        assert "after the payment" in assert_problem(api.http.get(path), 404, "order-unknown")["detail"]


def test_an_id_that_is_none_leads_nowhere(api: ApiClient) -> None:
    for path in ("/api/orders/20260314-000001", "/api/restoration/status/x", "/api/uploads/x"):
        assert_problem(api.http.get(path), 404, "not-found")


def test_a_stopped_order_is_reported_as_refunding(api: ApiClient) -> None:
    order_id = api.shop.pay(api.shop.upload(PORTRAIT))
    api.shop.staff_actions.refund(
        order_id, StaffRequest(actor="person:grace", reason="They asked."), amount=None, photos=[]
    )
    for address in (f"/api/orders/{order_id}", f"/api/restoration/status/{order_id}"):
        answer = api.http.get(address)
        assert (answer.status_code, answer.json()["state"]) == (200, "refunding")
        assert "on its way back" in answer.json()["sentence"]
    page = api.http.get(f"/api/restoration/status/{order_id}", headers=BROWSER)
    assert (page.status_code, "Your order is stopped" in page.text) == (200, True)


def test_a_pending_refund_is_on_its_way_in_json_and_on_the_page(api: ApiClient) -> None:
    api.shop.payments.refunds_pending = True
    order_id = api.shop.pay(api.shop.upload(PORTRAIT))
    api.shop.work()
    api.shop.end_predictions(FailureReason.REFUSED_INPUT)
    api.shop.work()
    answer = api.http.get(f"/api/orders/{order_id}")
    body = answer.json()
    assert body["refunded"] == {"amount": 0, "currency": "EUR"}
    assert body["refund_on_its_way"] == {"amount": 490, "currency": "EUR"}
    assert not {text for text in ("went back", "was refunded") if text in answer.text}
    page = api.http.get(f"/api/restoration/status/{order_id}", headers=BROWSER).text
    assert "On its way back" in page
    assert "Sent back" not in page


def test_a_refund_that_failed_is_owed_and_not_on_its_way(api: ApiClient) -> None:
    api.shop.payments.refunds_pending = True
    order_id = api.shop.pay(api.shop.upload(PORTRAIT))
    api.shop.work()
    api.shop.end_predictions(FailureReason.REFUSED_INPUT)
    api.shop.work()
    (refund,) = api.shop.order(order_id).refunds.values()
    assert refund.provider_refund_id is not None
    failed = e.RefundFailed(
        refund_id=refund.refund_id, provider_refund_id=refund.provider_refund_id, reason="card closed"
    )
    propose(api.shop, order_id, failed)
    seen = api.http.get(f"/api/orders/{order_id}").json()
    amounts = {name: seen[name]["amount"] for name in ("refunded", "refund_on_its_way", "refund_owed")}
    assert amounts == {"refunded": 0, "refund_on_its_way": 0, "refund_owed": 490}
    page = api.http.get(f"/api/restoration/status/{order_id}", headers=BROWSER).text
    assert "Still owed to you" in page
    assert "On its way back" not in page
