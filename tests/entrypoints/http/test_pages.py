import io
import re
import time
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import pytest

from domain.order.evolve import fold
from domain.order.ledger import Dispute
from domain.order.order import Order
from domain.order.states import TERMINAL, State
from domain.order.values import FailureReason, OrderId, UploadSessionId
from domain.ports.upload_sessions import UploadStatus
from entrypoints.bootstrap.wording import localization_of
from entrypoints.http.pages import status_pages
from tests.domain.support.event_builders import Facts
from tests.domain.support.recording import recorded
from tests.entrypoints.support.http_fixtures import BROWSER, PORTRAIT, ApiClient
from tests.entrypoints.support.visits import visit_in

PROGRAMS = ["*/*", "application/json", "application/json, */*;q=0.5", "application/problem+json"]


def page_of(api: ApiClient, address: OrderId | UploadSessionId, path: str = "restoration/status") -> str:
    """The page a browser shows, checked for what every page promises."""
    answer = api.http.get(f"/api/{path}/{address}", headers=BROWSER)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert_loads_from_the_shop_and_keeps_nothing(answer)
    return answer.text


def assert_loads_from_the_shop_and_keeps_nothing(answer: httpx.Response) -> None:
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["vary"] == "Accept, Accept-Language, Cookie"
    assert "etag" not in answer.headers
    policy = answer.headers["content-security-policy"]
    assert policy.startswith(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:"
    )
    assert "unsafe" not in policy
    assert not re.search(r"<style|\bstyle=|\bon[a-z]+=|<script>|javascript:|url\(|@import", answer.text)
    loaded = re.findall(r"<(?:script|img|link)[^>]*?\b(?:src|href)=\"([^\"]*)", answer.text)
    assert loaded
    assert [
        address
        for address in loaded
        if not re.match(r"/assets/|/api/(uploads|orders)/[^/]+/photos/[^/]+/preview$", address)
    ] == []


def heading(page: str) -> str:
    (found,) = re.findall("<h1>(.*)</h1>", page)
    return str(found)


def refresh(page: str) -> int | None:
    found = re.search('http-equiv="refresh" content="([0-9]+)"', page)
    return int(found[1]) if found else None


def test_a_process_renders_the_templates_it_began_with(monkeypatch: pytest.MonkeyPatch) -> None:
    about = Facts()
    order = fold(about.order_id, recorded(Order(order_id=about.order_id), *about.until_completed()))
    first = status_pages.of_order(order, {}, visit_in("en")).content
    monkeypatch.setattr("os.path.getmtime", lambda _: time.time() + 1)  # as an upgrade in place leaves them
    monkeypatch.setattr("builtins.open", None)  # nothing is read again
    again = status_pages.of_order(order, {}, visit_in("en")).content
    monkeypatch.undo()
    assert again == first


@pytest.mark.parametrize("accept", PROGRAMS)
def test_programs_get_documents_where_browsers_get_pages(api: ApiClient, accept: str) -> None:
    session_id = api.shop.upload(PORTRAIT)
    order_id = api.shop.pay(session_id)
    for path, key in ((f"restoration/status/{order_id}", "percent"), (f"uploads/{session_id}", "photos")):
        answer = api.http.get(f"/api/{path}", headers={"Accept": accept})
        assert answer.headers["content-type"] == "application/json"
        assert key in answer.json()
        assert answer.headers["vary"] == "Accept"


def test_a_browser_never_gets_the_document_it_has_not_asked_for(api: ApiClient) -> None:
    path = f"/api/restoration/status/{api.shop.delivered()}"
    etag = api.http.get(path).headers["etag"]
    answer = api.http.get(path, headers={**BROWSER, "If-None-Match": etag})
    assert answer.status_code == 200
    assert_loads_from_the_shop_and_keeps_nothing(answer)
    unchanged = api.http.get(path, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.headers["vary"]) == (304, "Accept")


def test_an_order_page_has_plain_words_and_refreshes_until_the_order_ends(api: ApiClient) -> None:
    order_id = api.shop.pay(api.shop.upload(PORTRAIT, b"a wedding"))
    paid = page_of(api, order_id)
    assert (heading(paid), refresh(paid)) == ("Thank you, your payment has arrived", 5)
    assert "20260314-000001" in paid
    assert "€9.80" in paid
    api.shop.work()
    first = next(iter(api.shop.restorer.works))
    api.shop.restorer.succeed(first, b"restored")
    api.shop.post_prediction(first)
    api.shop.work()
    halfway = page_of(api, order_id)
    assert (heading(halfway), refresh(halfway)) == ("We are restoring your photos", 5)
    assert '<progress max="2" value="1"' in halfway
    assert '<bdi class="name">great-aunt-1.jpg</bdi> <span class="state done">restored</span>' in halfway
    assert '<bdi class="name">great-aunt-2.jpg</bdi> <span class="state">being restored</span>' in halfway
    api.shop.live(order_id)
    done = page_of(api, order_id)
    assert (heading(done), refresh(done)) == ("Your photos are ready: look into your e-mail", None)


def test_every_state_of_an_order_has_a_page_and_only_a_final_one_stops_refreshing(api: ApiClient) -> None:
    order_id = api.shop.delivered(PORTRAIT, b"a wedding")
    with api.shop.unit_of_work.transaction() as transaction:
        history = transaction.event_store.history(order_id)
    for version in range(1, len(history) + 1):
        seen = fold(order_id, history[:version])
        shown = str(status_pages.of_order(seen, {}, visit_in("en-GB")).content)
        assert (refresh(shown) is None) is (seen.state in TERMINAL)
        assert "Photo 2" in shown  # one whose name is erased still has a number


def test_a_page_shows_no_address_and_no_token(api: ApiClient) -> None:
    session_id = api.shop.upload(PORTRAIT)
    order_id = api.shop.pay(session_id)
    api.shop.live(order_id)
    page, order = page_of(api, order_id), api.shop.order(order_id)
    assert order.payment is not None
    secrets = [
        str(session_id),
        order.payment.checkout_session_id,
        str(order.payment.payment_intent_id),
        api.shop.token(order_id),
        "ada@",
        "Ada",
        *(image.upload.sha256 for image in order.images.values()),
    ]
    assert [secret for secret in secrets if secret in page] == []


def test_a_file_name_is_escaped(api: ApiClient) -> None:
    session_id = api.shop.upload_service.open().session_id
    name = "<script>alert('1931')</script> & Söhne.jpg"
    api.shop.upload_service.add(session_id, name, io.BytesIO(PORTRAIT), len(PORTRAIT))
    pages = [page_of(api, session_id, "uploads"), page_of(api, api.shop.pay(session_id))]
    shown = "&lt;script&gt;alert(&#39;1931&#39;)&lt;/script&gt; &amp; Söhne.jpg"
    assert [shown in page for page in pages] == [True, True]


def test_a_page_of_failed_photos_says_where_the_money_is(api: ApiClient) -> None:
    order_id = api.shop.pay(api.shop.upload(PORTRAIT))
    api.shop.work()
    api.shop.end_predictions(FailureReason.REFUSED_INPUT)
    api.shop.perform(api.shop.queue.waiting.popleft())  # the photo has failed, its refund is not yet sent
    owed = page_of(api, order_id)
    assert (heading(owed), refresh(owed)) == ("We could not restore your photos", 5)
    assert "Your money is on its way back" in owed
    api.shop.live(order_id)
    returned = page_of(api, order_id)
    assert (heading(returned), refresh(returned)) == ("Your money is on its way back", None)
    assert "<dt>Sent back</dt><dd>€4.90</dd>" in returned
    assert "could not be restored" in returned


def test_a_page_of_an_order_on_hold_reassures_and_refreshes_seldom(api: ApiClient) -> None:
    session_id = api.shop.upload(PORTRAIT)
    paid = api.shop.payment(session_id).checkout
    assert paid is not None
    order_id = api.shop.pay(session_id, paid=paid.paid + paid.paid)
    page = page_of(api, order_id)
    assert (heading(page), refresh(page)) == ("It is on hold: a person is looking after it", 60)


OPEN_DISPUTE = {"dp_1": Dispute(dispute_id="dp_1", amount=None)}


@pytest.mark.parametrize(
    ("turn", "expected", "seconds"),
    [
        (
            {"state": State.RESTORING, "disputes": OPEN_DISPUTE},
            "Your bank is looking into the payment",
            60,
        ),
        (
            {"state": State.COMPLETED, "disputes": OPEN_DISPUTE},
            "Your photos are ready",
            None,
        ),
        ({"state": State.DELIVERED}, "The money we owe you is on its way back", 5),
        ({"photos_are_purged": True}, "Your photos are no longer kept", None),
        ({"state": State.ERASED}, "This order is closed", None),
    ],
)
def test_unusual_states_have_their_own_words(
    api: ApiClient, turn: dict[str, Any], expected: str, seconds: int | None
) -> None:
    seen = replace(api.shop.order(api.shop.delivered()), **turn)
    shown = str(status_pages.of_order(seen, {}, visit_in("en-GB")).content)
    assert expected in shown
    assert refresh(shown) == seconds


def test_an_empty_upload_is_a_page_as_well(api: ApiClient) -> None:
    page = page_of(api, api.open_session(), "uploads")
    assert heading(page) == "Choose your photos"
    assert "<li data-image" not in page
    assert "/pay" not in page


def test_an_upload_waits_for_its_payment_and_leads_on_to_its_order(api: ApiClient) -> None:
    session_id = api.shop.upload(PORTRAIT)
    unordered = page_of(api, session_id, "uploads")
    assert (heading(unordered), refresh(unordered)) == ("Your photos and the price", None)
    assert "€4.90" in unordered
    checkout = api.shop.checkout_service.open(session_id, email=None)
    waiting = page_of(api, session_id, "uploads")
    assert (heading(waiting), refresh(waiting)) == ("We have no word of a payment yet", 5)
    assert f' href="{checkout.url}">' in waiting
    order_id = api.shop.pay(session_id)
    answer = api.http.get(f"/api/uploads/{session_id}", headers=BROWSER, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"https://shop.example/api/restoration/status/{order_id}"


def test_what_leads_nowhere_is_explained_to_a_person(api: ApiClient) -> None:
    for path, advice in (("restoration/status", "look again after the payment"), ("uploads", "")):
        answer = api.http.get(f"/api/{path}/{uuid4()}", headers=BROWSER)
        assert answer.status_code == 404
        assert advice in answer.text
        assert_loads_from_the_shop_and_keeps_nothing(answer)


def test_a_dead_link_is_explained_once(api: ApiClient) -> None:
    page = api.http.get("/api/download/unknown", headers=BROWSER).text
    assert heading(page) == "This link is not known"
    assert (
        "<p>Open the newest link from our e-mail, whole and unchanged. If this is the newest one, answer"
        in page
    )


@pytest.mark.parametrize(
    ("path", "title", "expected"),
    [
        ("restoration/status/{order}", "Ihre Fotos sind fertig: Sehen Sie in Ihr Postfach", "Bestellnummer"),
        ("uploads/{open}", "Ihre Fotos und der Preis", "4,90"),
        ("download/unknown", "Diesen Link kennen wir nicht", "neuesten Link"),
        ("download/{expired}", "Dieser Link ist abgelaufen", "Neuen Link schicken"),
        ("uploads/01890000-0000-7000-8000-000000000000", "Diese Fotos gibt es hier nicht", "noch einmal"),
    ],
)
def test_every_page_speaks_the_browsers_language(
    api: ApiClient, path: str, title: str, expected: str
) -> None:
    expired = api.shop.token(api.shop.delivered())
    api.shop.clock.advance(days=31)
    order_id, session_id = api.shop.delivered(b"a wedding"), api.shop.upload(PORTRAIT)
    address = path.format(order=order_id, open=session_id, expired=expired)
    german = {**BROWSER, "Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}
    answer = api.http.get(f"/api/{address}", headers=german)
    assert '<html lang="de" dir="ltr">' in answer.text
    assert heading(answer.text) == title
    assert expected in answer.text
    text = re.sub(r"<[^>]*>", " ", answer.text.partition("<main")[2])
    assert not re.search(r"\b(your?|the|and|photos|order)\b", text)


def test_the_outcome_of_a_request_is_worded_in_the_browsers_language(api: ApiClient) -> None:
    german = {**BROWSER, "Accept-Language": "de"}
    order_id = api.shop.delivered()
    for title in ("Sehen Sie in Ihr Postfach", "Darum wurde gerade schon gebeten"):
        assert heading(api.http.post(f"/api/email/resend/{order_id}", headers=german).text) == title
        api.shop.work()


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_state_of_an_order_and_an_upload_has_its_words(language: str) -> None:
    localization = localization_of(language)
    orders = [f"order_page.{state}" for state in State if state is not State.NEW]
    uploads = [f"upload_page.{status}" for status in UploadStatus if status is not UploadStatus.PAID]
    for phrase in (*orders, *uploads):
        assert localization.say(f"{phrase}_title")
        assert localization.say(phrase)
