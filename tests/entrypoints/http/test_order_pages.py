import re
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from domain.order import events as e
from domain.order.values import FailureReason, HoldReason, OrderId, UploadSessionId
from tests.domain.support.event_builders import euros
from tests.domain.support.orders import propose
from tests.entrypoints.http.test_previews import small
from tests.entrypoints.support.http_fixtures import BROWSER, PORTRAIT, ApiClient

GERMAN = {**BROWSER, "Accept-Language": "de"}


def page_of(api: ApiClient, order_id: OrderId, headers: dict[str, str] = BROWSER) -> str:
    return api.http.get(f"/api/restoration/status/{order_id}", headers=headers).text


def paid(api: ApiClient, email: str = "eilen@customer.example") -> tuple[UploadSessionId, OrderId]:
    """A paid session in the browser that paid, and its order."""
    session_id = api.shop.upload(PORTRAIT)
    order_id = api.shop.pay(session_id, email=email)
    arrived = api.http.get(f"/api/uploads/{session_id}", headers=BROWSER, follow_redirects=False)
    assert arrived.headers["location"].endswith(f"/api/restoration/status/{order_id}")
    return session_id, order_id


def correct(
    api: ApiClient, session_id: UploadSessionId, email: str, headers: dict[str, str] = BROWSER
) -> httpx.Response:
    address = f"/uploads/{session_id}/address"
    return api.http.post(address, data={"email": email}, headers=headers, follow_redirects=False)


def test_each_photo_has_its_picture_until_the_photos_are_deleted(api: ApiClient) -> None:
    order_id = api.shop.pay(api.shop.upload(PORTRAIT, b"a wedding"))
    previews = re.findall(r'<img class="thumbnail" src="([^"]+)"', page_of(api, order_id))
    assert [api.http.get(preview).status_code for preview in previews] == [200, 200]
    api.shop.live(order_id)
    api.shop.clock.advance(days=100)
    api.shop.photo_retention.purge()
    assert "thumbnail" not in page_of(api, order_id)


def test_the_browser_that_paid_corrects_the_address_that_mails_go_to(api: ApiClient) -> None:
    session_id, order_id = paid(api)
    page = page_of(api, order_id)
    assert "We write to you at eilen@customer.example." in page, "whose wrong letter is to be seen"
    assert f'<a href="/uploads/{session_id}/address">Is this address wrong?</a>' in page
    form = api.http.get(f"/uploads/{session_id}/address", headers=BROWSER)
    assert '<form method="post"' in form.text
    assert 'value="eilen@customer.example"' in form.text
    assert 'http-equiv="refresh"' not in form.text, "what is typed is not lost"
    answer = correct(api, session_id, " marie@right.example ")
    assert answer.status_code == 303
    address = httpx.URL(answer.headers["location"]).raw_path.decode()
    corrected = api.http.get(address, headers=BROWSER).text
    assert "Thank you: the address is corrected." in corrected
    assert "We write to you at marie@right.example." in corrected
    assert "is corrected" not in page_of(api, order_id)
    api.http.cookies.clear()
    elsewhere = api.http.get(address, headers=BROWSER).text
    assert "We write to you at m…@right.example." in elsewhere
    assert "is corrected" not in elsewhere
    assert "marie@right.example" not in elsewhere
    assert "marie@right.example" not in api.http.get(f"/uploads/{session_id}/address", headers=BROWSER).text


def test_an_address_that_other_orders_share_is_masked_also_for_the_browser_that_paid(api: ApiClient) -> None:
    paid(api)
    _, order_id = paid(api)
    assert "We write to you at e…@customer.example." in page_of(api, order_id)


def test_who_knows_the_orders_page_alone_cannot_correct_its_address(api: ApiClient) -> None:
    paid(api)
    other_order_id = api.shop.pay(api.shop.upload(PORTRAIT), email="bruno@customer.example")
    for _ in ("a browser that paid for another order", "any other browser"):
        page = page_of(api, other_order_id)
        assert "We write to you at b…@customer.example." in page
        assert "/address" not in page
        api.http.cookies.clear()
    payment = api.shop.order(other_order_id).payment
    assert payment is not None
    document = api.http.get(f"/api/orders/{other_order_id}").text
    assert str(payment.upload_session_id) not in page + document
    for address in (
        f"/uploads/{other_order_id}/address",
        f"/api/restoration/status/{other_order_id}/address",
    ):
        assert api.http.post(address, data={"email": "thief@elsewhere.example"}).status_code == 404


def test_the_cookie_of_the_payment_is_short_lived_and_out_of_reach_of_scripts(api: ApiClient) -> None:
    session_id = api.shop.upload(PORTRAIT)
    before = api.http.get(f"/uploads/{session_id}/address", headers=BROWSER, follow_redirects=False)
    assert (before.status_code, before.headers["location"]) == (303, f"/uploads/{session_id}")
    api.shop.pay(session_id)
    for address in (f"/api/uploads/{session_id}", f"/uploads/{session_id}"):
        arrived = api.http.get(address, headers=BROWSER, follow_redirects=False)
        assert arrived.headers["set-cookie"] == (
            f"paid_session={session_id}; HttpOnly; Max-Age=86400; Path=/; SameSite=Lax"
        )


def test_an_order_whose_photos_are_not_all_restored_says_so_first(api: ApiClient) -> None:
    order_id = api.shop.pay(api.shop.upload(PORTRAIT, b"a wedding"))
    api.shop.work()
    first = next(iter(api.shop.restorer.works))
    api.shop.restorer.fail(first, FailureReason.REFUSED_INPUT)
    api.shop.post_prediction(first)
    api.shop.live(order_id)
    page = page_of(api, order_id)
    assert "<h1>Your photos are ready, but not all of them</h1>" in page
    assert "what you paid for them has gone back" in page
    assert re.search(r"Sent back</dt><dd>€4.90", page)
    assert "aber nicht alle" in page_of(api, order_id, GERMAN)


def test_a_finished_order_shows_its_results_behind_the_link_only(api: ApiClient) -> None:
    _, order_id = paid(api)
    api.shop.live(order_id)
    page = page_of(api, order_id)
    pictures = [
        api.http.get(address).content for address in re.findall(r'<img [^>]*src="(/api/[^"]+)"', page)
    ]
    assert pictures == [small(PORTRAIT, 480)]
    assert api.shop.token(order_id) not in page


def test_the_page_of_an_erased_order_invites_no_one_back(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    assert "keep its address" in page_of(api, order_id)
    api.shop.customer_erasure.erase("ada@customer.example", actor="person:grace", reason="asked for it")
    api.shop.work()
    page = page_of(api, order_id)
    assert "<h1>This order is closed</h1>" in page
    assert "keep its address" not in page


def test_after_the_result_the_address_stays(api: ApiClient) -> None:
    session_id, order_id = paid(api)
    api.shop.live(order_id)
    page = page_of(api, order_id)
    assert "/address" not in page
    assert "We write to you at eilen@customer.example." in page
    assert '<a href="/contact">Is this address wrong? Write to us' in page
    asked = api.http.get(f"/uploads/{session_id}/address", headers=BROWSER, follow_redirects=False)
    assert (asked.status_code, asked.headers["location"].rpartition("/")[2]) == (303, str(order_id))
    answer = correct(api, session_id, "marie@right.example")
    assert answer.status_code == 422
    assert "The address cannot be changed here." in answer.text
    assert 'value="marie@right.example"' in answer.text, "what was typed stays"
    assert '<a href="/contact">' in answer.text.partition('id="address-problem"')[2].partition("</p>")[0]


@pytest.mark.parametrize(
    "stop",
    [
        e.OrderHeld(reason=HoldReason.AMOUNT_MISMATCH),
        e.DisputeOpened(dispute_id="dp_1", amount=euros(490), reason="fraudulent"),
    ],
)
def test_while_an_order_is_stopped_its_address_stays(api: ApiClient, stop: e.Event) -> None:
    session_id, order_id = paid(api)
    propose(api.shop, order_id, stop)
    assert "/address" not in page_of(api, order_id)
    assert correct(api, session_id, "marie@right.example").status_code == 422
    customer = api.shop.queries.details(order_id).customer
    assert customer is not None
    assert customer.email == "eilen@customer.example"


@pytest.mark.parametrize(
    ("email", "sentence"),
    [
        ("nothing", "Das ist keine E-Mail-Adresse"),
        ("", "Das ist keine E-Mail-Adresse"),
        ("a\0b@customer.example", "Das ist keine E-Mail-Adresse"),
        ("eilen@customer.example", "Diese Adresse haben wir schon"),
        ("bruno@customer.example", "Die Adresse lässt sich hier nicht ändern"),
    ],
)
def test_an_address_that_cannot_be_taken_is_explained_beside_its_field(
    api: ApiClient, email: str, sentence: str
) -> None:
    api.shop.pay(api.shop.upload(b"another wedding"), email="bruno@customer.example")
    session_id, order_id = paid(api)
    answer = correct(api, session_id, email, GERMAN)
    assert answer.status_code == 422
    assert f'role="alert" id="address-problem">{sentence}' in answer.text
    customer = api.shop.queries.details(order_id).customer
    assert customer is not None
    assert customer.email == "eilen@customer.example"


def test_the_address_of_no_session_is_corrected(api: ApiClient) -> None:
    assert correct(api, UploadSessionId(uuid4()), "marie@right.example", GERMAN).status_code == 404


def test_the_mail_is_offered_again_once_it_can_be_asked_for(api: ApiClient) -> None:
    _, order_id = paid(api)
    api.shop.work()
    address = f"/api/restoration/status/{order_id}"
    page = page_of(api, order_id)
    assert "In 5 minutes, load this page again" in page
    assert 'id="again"' not in page
    api.shop.clock.advance(minutes=2)
    assert "In 3 Minuten können Sie diese Seite neu laden" in page_of(api, order_id, GERMAN)
    refused = api.http.post(address, headers=BROWSER)
    assert refused.status_code == 429
    assert '<a class="button" href="">Back to your order</a>' in refused.text
    api.shop.live(order_id)
    api.shop.clock.advance(minutes=6)
    for _ in range(5):
        assert '<button id="again" class="second">' in page_of(api, order_id)
        sent = api.http.post(address, headers=BROWSER)
        assert sent.status_code == 202
        assert 'href="">Back to your order</a>' in sent.text
        assert 'id="again"' not in page_of(api, order_id), "it is on its way"
        api.shop.live(order_id)
        api.shop.clock.advance(minutes=6)
    page = page_of(api, order_id)
    assert 'id="again"' not in page, "it was asked for as often as it may be"
    assert "load this page again" not in page
    assert '<a href="/contact">' in page


def test_the_button_works_from_every_address_of_the_page(api: ApiClient) -> None:
    _, order_id = paid(api)
    api.shop.work()
    api.shop.clock.advance(minutes=6)
    assert f'<form method="post" action="/api/restoration/status/{order_id}">' in page_of(api, order_id)


def test_an_estimate_is_made_from_experience_and_corrected_by_the_clock(api: ApiClient) -> None:
    order_id = api.shop.pay(api.shop.upload(PORTRAIT))
    assert "It usually takes" not in page_of(api, order_id)
    for number in range(5):
        other = api.shop.pay(api.shop.upload(b"photo %d" % number))
        api.shop.clock.advance(minutes=3)
        api.shop.live(other)
    order_id = api.shop.pay(api.shop.upload(b"a wedding"))
    assert "It usually takes up to 4 minutes." in page_of(api, order_id)
    assert "Meist dauert es bis zu 4 Minuten." in page_of(api, order_id, GERMAN)
    api.shop.clock.advance(minutes=9)
    assert "It takes longer than usual this time." in page_of(api, order_id)
    assert timedelta(minutes=4) == api.shop.queries.usual_turnaround()


def test_a_page_follows_a_redo_to_its_end(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    (image_id,) = api.shop.order(order_id).images
    api.http.post(f"/api/download/{api.shop.token(order_id)}/{image_id}/redo")
    page = page_of(api, order_id)
    assert "<h1>We are trying once more</h1>" in page
    assert "being restored once more" in page
    assert 'http-equiv="refresh"' in page
    api.shop.live(order_id)
    ended = page_of(api, order_id)
    assert "<h1>Your photos are ready: look into your e-mail</h1>" in ended
    assert 'http-equiv="refresh"' not in ended


def test_a_page_that_goes_on_names_where_its_events_come_from(api: ApiClient) -> None:
    order_id = api.shop.pay(api.shop.upload(PORTRAIT))
    assert f'data-events="/api/orders/{order_id}/events"' in page_of(api, order_id)
    api.shop.live(order_id)
    assert "data-events" not in page_of(api, order_id)
