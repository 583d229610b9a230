"""Customers' requests over HTTP: an e-mail again, a new link, a redo.

They come from programs, and from browsers without scripts.
"""

from html.parser import HTMLParser
from urllib.parse import urljoin
from uuid import uuid4

import httpx
import pytest

from domain.order import events as e
from domain.order.commands import Proposal, RevokeLink
from domain.order.values import FailureReason, ImageId, OrderId, RedoObstacle
from domain.use_cases.order_transaction import Cause
from entrypoints.bootstrap.wording import localization_of
from tests.domain.support.assertions import sent
from tests.entrypoints.support.http_fixtures import BROWSER, PORTRAIT, ApiClient, assert_problem


def album_path(api: ApiClient, order_id: OrderId) -> str:
    return f"/api/download/{api.shop.token(order_id)}/photos"


def image(api: ApiClient, order_id: OrderId) -> ImageId:
    return next(iter(api.shop.order(order_id).images))


def redo_path(api: ApiClient, order_id: OrderId) -> str:
    return f"/api/download/{api.shop.token(order_id)}/{image(api, order_id)}/redo"


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
            if not (known["src"] or "").startswith("/assets/"):  # the shop's logo
                self.pictures.append(self._absolute(known["src"]))
        elif tag == "a":
            self.links.append(self._absolute(known["href"]))

    def _absolute(self, address: str | None) -> str:
        return urljoin(str(self._base), address or "")


def shown(api: ApiClient, page: httpx.Response) -> list[bytes]:
    """What the pictures of a page show."""
    pictures = [api.http.get(picture).content for picture in Form(page).pictures]
    assert all(picture.startswith(b"\xff\xd8\xff1600 pixels of ") for picture in pictures)
    return [picture.partition(b" of ")[2] for picture in pictures]


def post_form(api: ApiClient, address: str) -> httpx.Response:
    """Send what a browser sends when a nameless button is pressed."""
    headers = {**BROWSER, "Content-Type": "application/x-www-form-urlencoded", "Origin": "null"}
    return api.http.post(address, content=b"", headers=headers, follow_redirects=False)


# An e-mail again.


def test_a_mail_is_sent_again_to_the_address_on_file(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    answer = api.http.post(f"/api/email/resend/{order_id}")
    assert answer.status_code == 202
    assert "on its way" in answer.json()["sentence"]
    assert "ada@" not in answer.text
    api.shop.work()
    assert sent(api.shop).count("result") == 2


def test_the_orders_page_has_a_button_for_it_once_there_is_something_to_send(api: ApiClient) -> None:
    order_id = api.shop.pay(api.shop.upload(PORTRAIT))
    path = f"/api/restoration/status/{order_id}"
    assert [post for post in Form(api.http.get(path, headers=BROWSER)).posts if post.endswith(path)] == []
    api.shop.live(order_id)
    page = api.http.get(path, headers=BROWSER)
    assert "form-action 'self'" in page.headers["content-security-policy"]
    (address,) = Form(page).posts
    for status, heading in ((202, "Look into your e-mail"), (429, "Asked for too often")):
        answer = post_form(api, address)
        assert (answer.status_code, f"<h1>{heading}</h1>" in answer.text) == (status, True)
        api.shop.work()
    assert sent(api.shop).count("result") == 2
    api.shop.clock.advance(days=100)
    api.shop.photo_retention.purge()
    assert not Form(api.http.get(path, headers=BROWSER)).posts


def test_a_rate_limited_customer_receives_a_retry_time(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    api.http.post(f"/api/email/resend/{order_id}")
    api.shop.work()
    problem = assert_problem(again := api.http.post(f"/api/email/resend/{order_id}"), 429, "asked-too-often")
    assert "mailbox" in problem["detail"]
    assert again.headers["retry-after"] == "300"
    api.shop.clock.advance(minutes=5)
    assert api.http.post(f"/api/email/resend/{order_id}").status_code == 202


def test_no_mail_is_sent_about_what_is_no_order(api: ApiClient) -> None:
    assert_problem(api.http.post(f"/api/email/resend/{uuid4()}"), 404, "order-unknown")
    assert_problem(api.http.post("/api/email/resend/all-of-them"), 404, "not-found")
    assert_problem(api.http.get(f"/api/email/resend/{uuid4()}"), 405, "method-not-allowed")


def test_a_mail_that_the_state_does_not_call_for_is_refused_in_words(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    api.shop.clock.advance(days=100)
    assert api.shop.photo_retention.purge() == 1
    problem = assert_problem(api.http.post(f"/api/email/resend/{order_id}"), 409, "not-possible-now")
    assert "completed" in problem["detail"]


# A new link.


@pytest.mark.parametrize("below", ["", "/photos", "/{image}", "/{image}?earlier=0"])
def test_a_dead_link_offers_a_new_one_wherever_it_led(api: ApiClient, below: str) -> None:
    order_id = api.shop.delivered()
    old = api.shop.token(order_id)
    api.shop.clock.advance(days=31)
    path = f"/api/download/{old}{below.format(image=image(api, order_id))}"
    page = api.http.get(path, headers=BROWSER)
    assert page.status_code == 410
    assert "<h1>This link has expired</h1>" in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]
    (address,) = Form(page).posts
    assert address.endswith(f"/api/download/{old}/renew")
    answer = post_form(api, address)
    assert answer.status_code == 202
    assert "<h1>Look into your e-mail</h1>" in answer.text
    api.shop.work()
    assert sent(api.shop)[-1] == "new_link"
    assert api.http.get(f"/api/download/{api.shop.token(order_id)}").status_code == 200


@pytest.mark.parametrize("is_erased", [True, False])
@pytest.mark.parametrize("is_shared", [True, False])
def test_a_link_to_deleted_photos_offers_no_new_one(
    api: ApiClient, *, is_erased: bool, is_shared: bool
) -> None:
    order_id = api.shop.delivered()
    path = f"/api/download/{api.shop.token(order_id)}"
    if is_shared:
        path = f"/api/download/{api.http.post(f'{path}/share').json()['url'].split('/')[-2]}"
    if is_erased:
        api.shop.customer_erasure.erase("ada@customer.example", actor="person:grace", reason="asked for it")
    else:
        api.shop.clock.advance(days=100)
        assert api.shop.photo_retention.purge() == 1
    page = api.http.get(path, headers=BROWSER)
    assert page.status_code == 410
    assert "<h1>These photos are no longer kept</h1>" in page.text
    assert "<form" not in page.text
    problem = assert_problem(api.http.get(path), 410, "link-expired")
    assert "are deleted" in problem["detail"]
    assert "/renew" not in problem["detail"]


@pytest.mark.parametrize("headers", [BROWSER, {}])
def test_the_answer_does_not_reveal_whether_a_link_was_renewable(
    api: ApiClient, headers: dict[str, str]
) -> None:
    expired, erased = api.shop.delivered(), api.shop.delivered(b"your grandfather")
    tokens = [api.shop.token(expired), api.shop.token(erased), "guessed", "A" * 43, "<script>"]
    api.shop.customer_erasure.erase("ada@customer.example", actor="person:grace", reason="asked for it")
    api.shop.clock.advance(days=31)
    answers = [api.http.post(f"/api/download/{token}/renew", headers=headers) for token in tokens]
    assert [answer.status_code for answer in answers] == [202] * len(tokens)
    assert len({answer.text for answer in answers}) == 1
    header_sets = [{**answer.headers, "x-request-id": ""} for answer in answers]
    assert header_sets == header_sets[:1] * len(tokens)


def test_a_client_receives_the_address_that_renews_a_link(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    api.shop.clock.advance(days=31)
    problem = assert_problem(api.http.get(album_path(api, order_id)), 410, "link-expired")
    assert "/renew" in problem["detail"]


def test_a_link_that_was_taken_back_offers_nothing(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    old, order = api.shop.token(order_id), api.shop.order(order_id)
    (link_id,) = order.links
    proposed: list[Proposal] = [api.shop.downloads.new_link(order), RevokeLink(link_id=link_id)]
    cause = Cause(name="desk", key="withdrawn", actor="person:grace", correlation_id=order_id)
    api.shop.command_handler.handle(order_id, proposed, cause)
    page = api.http.get(f"/api/download/{old}", headers=BROWSER)
    assert page.status_code == 410
    assert "<h1>This link was withdrawn</h1>" in page.text
    assert "<form" not in page.text


# A redo.


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "1200\u00a0\u00d7\u00a0900 pixels, the same as the photo you sent"),
        ("de", "1200\u00a0\u00d7\u00a0900 Bildpunkte, so viele wie das Foto, das Sie geschickt haben"),
    ],
)
def test_the_album_shows_the_size_of_a_result_and_of_its_original(
    api: ApiClient, language: str, expected: str
) -> None:
    path = album_path(api, api.shop.delivered(PORTRAIT))
    assert expected in api.http.get(path, headers={**BROWSER, "Accept-Language": language}).text
    (photo,) = api.http.get(path).json()["photos"]
    sizes = (photo["width"], photo["height"], photo["original_width"], photo["original_height"])
    assert sizes == (1200, 900, 1200, 900)


def test_the_album_shows_each_photo_and_has_it_tried_once_more(api: ApiClient) -> None:
    order_id = api.shop.delivered(PORTRAIT, b"a wedding")
    page = api.http.get(album_path(api, order_id), headers=BROWSER)
    assert page.status_code == 200
    assert "img-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "private, no-store"
    found = Form(page)
    assert shown(api, page) == [PORTRAIT, b"restored " + PORTRAIT, b"a wedding", b"restored a wedding"]
    save_all, save_first, _redo_first, save_second, redo_second, _share = found.posts
    for address, content in (
        (save_all, b"great-aunt-1-restored.png"),
        (save_first, b"restored"),
        (save_second, b"restored"),
    ):
        answer = post_form(api, address)
        assert answer.status_code == 303
        saved = api.http.get(urljoin(address, answer.headers["location"]), headers=BROWSER)
        assert saved.content.startswith(content)
    assert [type(event) for event in api.shop.events(order_id)].count(e.ResultDownloaded) == 3
    answer = post_form(api, redo_second)
    assert answer.status_code == 303
    back = api.http.get(urljoin(redo_second, answer.headers["location"]), headers=BROWSER)
    assert "We are trying this photo once more" in back.text
    assert set(found.posts) - set(Form(back).posts) == {redo_second}
    assert [type(event) for event in api.shop.events(order_id)].count(e.RedoRequested) == 1


def test_the_result_before_stays_beside_the_new_one(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    post_form(api, redo_path(api, order_id))
    api.shop.work()
    api.shop.end_predictions(b"restored again")
    api.shop.work()
    page = api.http.get(album_path(api, order_id), headers=BROWSER)
    results = [b"restored again " + PORTRAIT, b"restored " + PORTRAIT]
    assert shown(api, page) == [PORTRAIT, *results]
    assert not [address for address in Form(page).posts if address.endswith("/redo")]
    assert [api.http.get(post).content for post in Form(page).posts[1:-1]] == results
    assert "Another attempt is not possible: another attempt was asked for already." in page.text
    assert_problem(
        api.http.get(f"{album_path(api, order_id)[:-6]}{image(api, order_id)}?earlier=2"),
        404,
        "link-unknown",
    )


@pytest.mark.parametrize("failed", [0, 1])
def test_a_single_result_is_saved_as_the_picture_and_counts_as_fetched(api: ApiClient, failed: int) -> None:
    order_id = api.shop.pay(api.shop.upload(PORTRAIT, *[b"a wedding"] * failed))
    api.shop.work()
    for number, work in enumerate(list(api.shop.restorer.works)):
        if number:
            api.shop.restorer.fail(work, FailureReason.REFUSED_INPUT)
            api.shop.post_prediction(work)
    api.shop.live(order_id)
    page = api.http.get(album_path(api, order_id), headers=BROWSER)
    assert '<button class="large">Save the photo (' in page.text
    address = Form(page).posts[0]
    saved = api.http.get(urljoin(address, post_form(api, address).headers["location"]), headers=BROWSER)
    assert saved.content == b"restored " + PORTRAIT
    assert [type(event) for event in api.shop.events(order_id)].count(e.ResultDownloaded) == 1
    assert api.shop.order(order_id).is_fetched


@pytest.mark.parametrize(
    ("accept_language", "language", "expected"),
    [
        (
            "de-AT,de;q=0.9,en;q=0.5",
            "de",
            ("Ihre restaurierten Fotos", "Das Foto speichern", "13. April 2026"),
        ),
        (
            "en;q=0.5, de;q=0.8",
            "de",
            ("Dieses Foto speichern", "nicht möglich: die Zeit dafür ist vorbei."),
        ),
        ("br-FR, br;q=0.9", "en", ("Your restored photos", "Save the photo", "13 April 2026")),
        (
            "nonsense;;q=,de;q=x",
            "en",
            ("Save this photo", "Another attempt is not possible: the time for it is over."),
        ),
    ],
)
def test_the_page_speaks_the_browsers_language(
    api: ApiClient, accept_language: str, language: str, expected: tuple[str, ...]
) -> None:
    order_id = api.shop.delivered()
    api.shop.clock.advance(days=15)
    headers = {**BROWSER, "Accept-Language": accept_language}
    page = api.http.get(album_path(api, order_id), headers=headers)
    assert f'<html lang="{language}" dir="ltr">' in page.text
    assert page.headers["vary"] == "Accept, Accept-Language, Cookie"
    assert [each for each in expected if each not in page.text] == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_each_language_of_the_page_has_words_for_every_obstacle(language: str) -> None:
    localization = localization_of(language)
    assert len({localization.say(f"no_redo.{each.name.lower()}") for each in RedoObstacle}) == len(
        RedoObstacle
    )


def test_a_program_learns_what_is_possible_and_asks_for_it(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    album = api.http.get(album_path(api, order_id)).json()
    (photo,) = album["photos"]
    assert album["redo_until"] is not None
    assert (photo["results"], photo["redo_is_possible"], photo["why_no_redo"]) == (1, True, None)
    for _ in range(2):
        assert api.http.post(redo_path(api, order_id)).status_code == 202
    api.shop.live(order_id)
    problem = assert_problem(api.http.post(redo_path(api, order_id)), 409, "not-possible-now")
    assert "asked for already" in problem["detail"]
    (photo,) = api.http.get(album_path(api, order_id)).json()["photos"]
    assert (photo["results"], photo["redo_is_possible"]) == (2, False)


def test_a_person_who_asks_too_late_finds_the_reason_beside_the_photo(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    api.shop.clock.advance(days=15)
    answer = post_form(api, redo_path(api, order_id))
    assert (answer.status_code, answer.headers["location"]) == (303, "../photos")
    page = api.http.get(album_path(api, order_id), headers=BROWSER)
    assert "Another attempt is not possible: the time for it is over." in page.text
    assert "Is one not quite right?" not in page.text


def test_the_order_id_alone_permits_no_redo(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    path = f"/api/download/{order_id}/{image(api, order_id)}/redo"
    assert_problem(api.http.post(path), 404, "link-unknown")
    assert_problem(api.http.get(redo_path(api, order_id)), 405, "method-not-allowed")
    assert_problem(
        api.http.post(f"/api/download/{api.shop.token(order_id)}/{uuid4()}/redo"), 404, "image-unknown"
    )
    assert e.RedoRequested not in [type(event) for event in api.shop.events(order_id)]


def test_a_file_name_in_a_gallery_is_escaped(api: ApiClient) -> None:
    session_id = api.shop.upload()
    name = "\"><script>alert('1931').jpg"
    api.send_photo(session_id, file_name=name)
    order_id = api.shop.pay(session_id)
    api.shop.live(order_id)
    page = api.http.get(album_path(api, order_id), headers=BROWSER)
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
