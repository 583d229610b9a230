import re
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from domain.order import events as e
from domain.order.values import OrderId
from tests.entrypoints.support.http_fixtures import BROWSER, PORTRAIT, ApiClient

GERMAN = {**BROWSER, "Accept-Language": "de"}


def page_of(api: ApiClient, order_id: OrderId, headers: dict[str, str] = BROWSER) -> str:
    return api.http.get(f"/api/restoration/status/{order_id}", headers=headers).text


def correct(
    api: ApiClient, order_id: OrderId, email: str, headers: dict[str, str] = BROWSER
) -> httpx.Response:
    address = f"/api/restoration/status/{order_id}/address"
    return api.http.post(address, data={"email": email}, headers=headers, follow_redirects=False)


def test_each_photo_has_its_picture_until_the_photos_are_deleted(api: ApiClient) -> None:
    order_id = api.shop.pay(api.shop.upload(PORTRAIT, b"a wedding"))
    previews = re.findall(r'<img class="thumbnail" src="([^"]+)"', page_of(api, order_id))
    assert [api.http.get(preview).status_code for preview in previews] == [200, 200]
    api.shop.live(order_id)
    api.shop.clock.advance(days=100)
    api.shop.photo_retention.purge()
    assert "thumbnail" not in page_of(api, order_id)


def test_a_customer_sees_and_corrects_the_address_that_mails_go_to(api: ApiClient) -> None:
    order_id = api.shop.pay(api.shop.upload(PORTRAIT), email="eilen@customer.example")
    assert "We write to you at e…@customer.example." in page_of(api, order_id)
    answer = correct(api, order_id, " marie@right.example ")
    assert (answer.status_code, answer.headers["location"]) == (303, f"../{order_id}")
    corrected = page_of(api, order_id)
    assert "We write to you at m…@right.example." in corrected
    assert "marie@right.example" not in corrected
    api.shop.live(order_id)
    assert "right.example" not in page_of(api, order_id)


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
    order_id = api.shop.pay(api.shop.upload(PORTRAIT), email="eilen@customer.example")
    answer = correct(api, order_id, email, GERMAN)
    assert answer.status_code == 422
    assert f'role="alert" id="address-problem">{sentence}' in answer.text
    assert "<details open>" in answer.text
    assert e.NoteAdded not in [type(event) for event in api.shop.events(order_id)]


def test_the_address_of_no_order_is_corrected(api: ApiClient) -> None:
    assert correct(api, OrderId(uuid4()), "marie@right.example", GERMAN).status_code == 404


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
