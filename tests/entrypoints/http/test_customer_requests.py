"""Customers' requests over HTTP: an e-mail again, a new link, a redo.

They come from programs, and from browsers without scripts.
"""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin
from uuid import uuid4

import httpx
import pytest

from domain.order import events as e
from domain.order.commands import Proposal, RevokeLink
from domain.order.customer_request_limits import RedoObstacle
from domain.order.values import ImageId, OrderId
from domain.use_cases.order_command_handler import Cause
from entrypoints.bootstrap.localization import localization_of
from tests.domain.support.assertions import sent
from tests.entrypoints.support.http_fixtures import BROWSER, PORTRAIT, Doorway, assert_problem


def album_path(door: Doorway, order_id: OrderId) -> str:
    return f"/api/download/{door.shop.token(order_id)}/photos"


def image(door: Doorway, order_id: OrderId) -> ImageId:
    return next(iter(door.shop.order(order_id).images))


def redo_path(door: Doorway, order_id: OrderId) -> str:
    return f"/api/download/{door.shop.token(order_id)}/{image(door, order_id)}/redo"


class Form(HTMLParser):
    """Finds where the forms and pictures of a page lead."""

    def __init__(self, page: httpx.Response) -> None:
        super().__init__()
        self.posts: list[str] = []
        self.pictures: list[str] = []
        self.links: list[str] = []
        self._base = page.request.url
        self.feed(page.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "form":
            assert known["method"] == "post"
            self.posts.append(self._absolute(known.get("action")))
        elif tag == "img":
            self.pictures.append(self._absolute(known["src"]))
        elif tag == "a":
            self.links.append(self._absolute(known["href"]))

    def _absolute(self, address: str | None) -> str:
        return urljoin(str(self._base), address or "")


def post_form(door: Doorway, address: str) -> httpx.Response:
    """Send what a browser sends when a nameless button is pressed."""
    headers = {**BROWSER, "Content-Type": "application/x-www-form-urlencoded", "Origin": "null"}
    return door.http.post(address, content=b"", headers=headers, follow_redirects=False)


# An e-mail again.


def test_a_mail_is_sent_again_to_the_address_on_file(door: Doorway) -> None:
    order_id = door.shop.delivered()
    answer = door.http.post(f"/api/email/resend/{order_id}")
    assert answer.status_code == 202
    assert "on its way" in answer.json()["sentence"]
    assert "ada@" not in answer.text
    door.shop.work()
    assert sent(door.shop).count("result") == 2


def test_the_orders_page_has_a_button_for_it_once_there_is_something_to_send(door: Doorway) -> None:
    order_id = door.shop.pay(door.shop.upload(PORTRAIT))
    path = f"/api/restoration/status/{order_id}"
    assert not Form(door.http.get(path, headers=BROWSER)).posts
    door.shop.live(order_id)
    page = door.http.get(path, headers=BROWSER)
    assert "form-action 'self'" in page.headers["content-security-policy"]
    (address,) = Form(page).posts
    for status, heading in ((202, "Look into your e-mail"), (429, "Asked for too often")):
        answer = post_form(door, address)
        assert (answer.status_code, f"<h1>{heading}</h1>" in answer.text) == (status, True)
        door.shop.work()
    assert sent(door.shop).count("result") == 2
    door.shop.clock.advance(days=100)
    door.shop.photo_retention.purge()
    assert not Form(door.http.get(path, headers=BROWSER)).posts


def test_a_rate_limited_customer_receives_a_retry_time(door: Doorway) -> None:
    order_id = door.shop.delivered()
    door.http.post(f"/api/email/resend/{order_id}")
    door.shop.work()
    problem = assert_problem(again := door.http.post(f"/api/email/resend/{order_id}"), 429, "asked-too-often")
    assert "mailbox" in problem["detail"]
    assert again.headers["retry-after"] == "300"
    door.shop.clock.advance(minutes=5)
    assert door.http.post(f"/api/email/resend/{order_id}").status_code == 202


def test_no_mail_is_sent_about_what_is_no_order(door: Doorway) -> None:
    assert_problem(door.http.post(f"/api/email/resend/{uuid4()}"), 404, "order-unknown")
    assert_problem(door.http.post("/api/email/resend/all-of-them"), 404, "not-found")
    assert_problem(door.http.get(f"/api/email/resend/{uuid4()}"), 405, "method-not-allowed")


def test_a_mail_that_the_state_does_not_call_for_is_refused_in_words(door: Doorway) -> None:
    order_id = door.shop.delivered()
    door.shop.clock.advance(days=100)
    assert door.shop.photo_retention.purge() == 1
    problem = assert_problem(door.http.post(f"/api/email/resend/{order_id}"), 409, "not-possible-now")
    assert "completed" in problem["detail"]


# A new link.


@pytest.mark.parametrize("below", ["", "/photos", "/{image}", "/{image}?earlier=0"])
def test_a_dead_link_offers_a_new_one_wherever_it_led(door: Doorway, below: str) -> None:
    order_id = door.shop.delivered()
    old = door.shop.token(order_id)
    door.shop.clock.advance(days=31)
    path = f"/api/download/{old}{below.format(image=image(door, order_id))}"
    page = door.http.get(path, headers=BROWSER)
    assert page.status_code == 410
    assert "<h1>This link has expired</h1>" in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]
    (address,) = Form(page).posts
    assert address.endswith(f"/api/download/{old}/renew")
    answer = post_form(door, address)
    assert answer.status_code == 202
    assert "<h1>Look into your e-mail</h1>" in answer.text
    door.shop.work()
    assert sent(door.shop)[-1] == "new_link"
    assert door.http.get(f"/api/download/{door.shop.token(order_id)}").status_code == 200


@pytest.mark.parametrize("headers", [BROWSER, {}])
def test_the_answer_does_not_reveal_whether_a_link_was_renewable(
    door: Doorway, headers: dict[str, str]
) -> None:
    expired, erased = door.shop.delivered(), door.shop.delivered(b"your grandfather")
    tokens = [door.shop.token(expired), door.shop.token(erased), "guessed", "A" * 43, "<script>"]
    door.shop.customer_erasure.erase("ada@customer.example", actor="person:grace", reason="asked for it")
    door.shop.clock.advance(days=31)
    answers = [door.http.post(f"/api/download/{token}/renew", headers=headers) for token in tokens]
    assert [answer.status_code for answer in answers] == [202] * len(tokens)
    assert len({answer.text for answer in answers}) == 1
    told = [{**answer.headers, "x-request-id": ""} for answer in answers]
    assert told == told[:1] * len(tokens)


def test_a_client_receives_the_address_that_renews_a_link(door: Doorway) -> None:
    order_id = door.shop.delivered()
    door.shop.clock.advance(days=31)
    problem = assert_problem(door.http.get(album_path(door, order_id)), 410, "link-expired")
    assert "/renew" in problem["detail"]


def test_a_link_that_was_taken_back_offers_nothing(door: Doorway) -> None:
    order_id = door.shop.delivered()
    old, order = door.shop.token(order_id), door.shop.order(order_id)
    (link_id,) = order.links
    proposed: list[Proposal] = [door.shop.downloads.new_link(order), RevokeLink(link_id=link_id)]
    cause = Cause(name="desk", key="withdrawn", actor="person:grace", correlation_id=order_id)
    door.shop.command_handler.handle(order_id, proposed, cause)
    page = door.http.get(f"/api/download/{old}", headers=BROWSER)
    assert page.status_code == 410
    assert "<h1>This link was withdrawn</h1>" in page.text
    assert "<form" not in page.text


# A redo.


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "1200\u00a0\u00d7\u00a0900 pixels, the same as the photo you sent"),
        ("de", "1200\u00a0\u00d7\u00a0900 Bildpunkte, so viele wie das Foto, das Sie geschickt haben"),
    ],
)
def test_the_album_tells_the_size_of_a_result_and_of_its_original(
    door: Doorway, language: str, told: str
) -> None:
    path = album_path(door, door.shop.delivered(PORTRAIT))
    assert told in door.http.get(path, headers={**BROWSER, "Accept-Language": language}).text
    (photo,) = door.http.get(path).json()["photos"]
    sizes = (photo["width"], photo["height"], photo["original_width"], photo["original_height"])
    assert sizes == (1200, 900, 1200, 900)


def test_the_album_shows_each_photo_and_has_it_tried_once_more(door: Doorway) -> None:
    order_id = door.shop.delivered(PORTRAIT, b"a wedding")
    page = door.http.get(album_path(door, order_id), headers=BROWSER)
    assert page.status_code == 200
    assert "img-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "private, no-store"
    found = Form(page)
    assert [door.http.get(picture).content for picture in found.pictures] == [
        b"restored " + PORTRAIT,
        b"restored a wedding",
    ]
    save_all, save_first, _redo_first, save_second, redo_second = found.posts
    for address, content in (
        (save_all, b"great-aunt-1-restored.png"),
        (save_first, b"restored"),
        (save_second, b"restored"),
    ):
        answer = post_form(door, address)
        assert answer.status_code == 303
        saved = door.http.get(urljoin(address, answer.headers["location"]), headers=BROWSER)
        assert saved.content.startswith(content)
    assert [type(event) for event in door.shop.events(order_id)].count(e.ResultDownloaded) == 3
    answer = post_form(door, redo_second)
    assert answer.status_code == 303
    back = door.http.get(urljoin(redo_second, answer.headers["location"]), headers=BROWSER)
    assert "We are trying this photo once more" in back.text
    assert set(found.posts) - set(Form(back).posts) == {redo_second}
    assert [type(event) for event in door.shop.events(order_id)].count(e.RedoRequested) == 1


def test_the_result_before_stays_beside_the_new_one(door: Doorway) -> None:
    order_id = door.shop.delivered()
    post_form(door, redo_path(door, order_id))
    door.shop.work()
    door.shop.end_predictions(b"restored again")
    door.shop.work()
    page = door.http.get(album_path(door, order_id), headers=BROWSER)
    pictures = [door.http.get(picture).content for picture in Form(page).pictures]
    assert pictures == [b"restored again " + PORTRAIT, b"restored " + PORTRAIT]
    assert not [address for address in Form(page).posts if address.endswith("/redo")]
    assert [door.http.get(post).content for post in Form(page).posts[1:]] == pictures
    assert re.search("<button[^>]* disabled>.*Not possible: another attempt was asked for already", page.text)
    assert_problem(
        door.http.get(f"{album_path(door, order_id)[:-6]}{image(door, order_id)}?earlier=2"),
        404,
        "link-unknown",
    )


@pytest.mark.parametrize(
    ("accept_language", "language", "told"),
    [
        (
            "de-AT,de;q=0.9,en;q=0.5",
            "de",
            ("Ihre restaurierten Fotos", "Alle Fotos speichern", "13. April 2026"),
        ),
        ("en;q=0.5, de;q=0.8", "de", ("Dieses Foto speichern", "Nicht möglich: die Zeit dafür ist vorbei")),
        ("fr-FR, fr;q=0.9", "en", ("Your restored photos", "Save all photos", "13 April 2026")),
        ("nonsense;;q=,de;q=x", "en", ("Save this photo", "Not possible: the time for it is over.")),
    ],
)
def test_the_page_speaks_the_browsers_language(
    door: Doorway, accept_language: str, language: str, told: tuple[str, ...]
) -> None:
    order_id = door.shop.delivered()
    door.shop.clock.advance(days=15)
    headers = {**BROWSER, "Accept-Language": accept_language}
    page = door.http.get(album_path(door, order_id), headers=headers)
    assert f'<html lang="{language}" dir="ltr">' in page.text
    assert page.headers["vary"] == "Accept, Accept-Language"
    assert [each for each in told if each not in page.text] == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_each_language_of_the_page_has_words_for_every_obstacle(language: str) -> None:
    localization = localization_of(language)
    assert len({localization.say(f"no_redo.{each.name.lower()}") for each in RedoObstacle}) == len(
        RedoObstacle
    )


def test_a_program_learns_what_is_possible_and_asks_for_it(door: Doorway) -> None:
    order_id = door.shop.delivered()
    album = door.http.get(album_path(door, order_id)).json()
    (photo,) = album["photos"]
    assert album["redo_until"] is not None
    assert (photo["results"], photo["redo_is_possible"], photo["why_no_redo"]) == (1, True, None)
    for _ in range(2):
        assert door.http.post(redo_path(door, order_id)).status_code == 202
    door.shop.live(order_id)
    problem = assert_problem(door.http.post(redo_path(door, order_id)), 409, "not-possible-now")
    assert "asked for already" in problem["detail"]
    (photo,) = door.http.get(album_path(door, order_id)).json()["photos"]
    assert (photo["results"], photo["redo_is_possible"]) == (2, False)


def test_a_person_who_asks_too_late_finds_the_reason_beside_the_photo(door: Doorway) -> None:
    order_id = door.shop.delivered()
    door.shop.clock.advance(days=15)
    answer = post_form(door, redo_path(door, order_id))
    assert (answer.status_code, answer.headers["location"]) == (303, "../photos")
    page = door.http.get(album_path(door, order_id), headers=BROWSER)
    assert "Not possible: the time for it is over." in page.text
    assert "Is one not quite right?" not in page.text


def test_the_order_id_alone_permits_no_redo(door: Doorway) -> None:
    order_id = door.shop.delivered()
    path = f"/api/download/{order_id}/{image(door, order_id)}/redo"
    assert_problem(door.http.post(path), 404, "link-unknown")
    assert_problem(door.http.get(redo_path(door, order_id)), 405, "method-not-allowed")
    assert_problem(
        door.http.post(f"/api/download/{door.shop.token(order_id)}/{uuid4()}/redo"), 404, "image-unknown"
    )
    assert e.RedoRequested not in [type(event) for event in door.shop.events(order_id)]


def test_a_file_name_in_a_gallery_is_escaped(door: Doorway) -> None:
    session_id = door.shop.upload()
    name = "\"><script>alert('1931').jpg"
    door.send_photo(session_id, file_name=name)
    order_id = door.shop.pay(session_id)
    door.shop.live(order_id)
    page = door.http.get(album_path(door, order_id), headers=BROWSER)
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
