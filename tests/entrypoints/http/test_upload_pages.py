import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import httpx
import pytest
from litestar.testing import TestClient

from domain.order.values import UploadSessionId
from domain.ports.payments import CheckoutStatus
from domain.ports.upload_sessions import UploadStatus
from entrypoints.http import photo_forms
from tests.doubles.container import POLICY
from tests.entrypoints.http.test_uploads import LIMIT_BYTES, Sender
from tests.entrypoints.support.http_fixtures import (
    BROWSER,
    PORTRAIT,
    ApiClient,
    HttpShop,
    application,
    assert_problem,
)

BOUNDARY = "the-edge-of-a-print"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
GERMAN = {**BROWSER, "Accept-Language": "de"}


@pytest.fixture
def limited_api() -> Iterator[ApiClient]:
    """An HTTP API that accepts two photos of three mebibytes."""
    shop = HttpShop(
        replace(POLICY, uploads=replace(POLICY.uploads, max_photo_bytes=LIMIT_BYTES, max_photos=2))
    )
    with TestClient(application(shop), raise_server_exceptions=False) as http:
        yield ApiClient(shop, http)


def send(
    api: ApiClient, files: Sequence[tuple[str, bytes]], path: str = "/uploads", **headers: str
) -> httpx.Response:
    """Submit the form with these files, as a browser does."""
    parts = [("photos", (name, content, "image/jpeg")) for name, content in files]
    return api.http.post(path, files=parts, headers={**BROWSER, **headers}, follow_redirects=False)


def page_after(api: ApiClient, answer: httpx.Response, headers: dict[str, str] = BROWSER) -> str:
    """The page that an answer redirects to, as its browser gets it."""
    return api.http.get(f"/uploads/{session_of(answer)}", headers=headers).text


def session_of(answer: httpx.Response) -> UploadSessionId:
    """The session that an answer redirects to."""
    assert answer.status_code == 303, answer.text
    return UploadSessionId(UUID(answer.headers["location"].rpartition("/")[2]))


def names_on(api: ApiClient, session_id: UploadSessionId) -> list[str]:
    page = api.http.get(f"/uploads/{session_id}", headers=BROWSER).text
    return re.findall(r'<bdi class="name">([^<]+)</bdi>', page)


def test_a_form_without_scripts_sends_many_photos_and_leads_to_their_page(api: ApiClient) -> None:
    session_id = session_of(send(api, [("aunt.jpg", PORTRAIT), ("wedding.png", b"a wedding")]))
    page = api.http.get(f"/uploads/{session_id}", headers=BROWSER)
    assert names_on(api, session_id) == ["aunt.jpg", "wedding.png"]
    assert "2 photos at €4.90 each</dt><dd>€9.80" in page.text
    assert "Pay €9.80" in page.text
    previews = re.findall(r'<img class="thumbnail" src="([^"]+)" alt="Preview of [^"]+" width', page.text)
    assert [api.http.get(preview).status_code for preview in previews] == [200, 200]


def test_more_photos_are_added_to_the_same_page(api: ApiClient) -> None:
    session_id = session_of(send(api, [("aunt.jpg", PORTRAIT)]))
    assert session_of(send(api, [("uncle.jpg", b"an uncle")], f"/uploads/{session_id}/photos")) == session_id
    assert names_on(api, session_id) == ["aunt.jpg", "uncle.jpg"]


@pytest.mark.parametrize(
    ("headers", "sentences"),
    [
        (BROWSER, ("notes.txt</bdi>: ", "is already here", "empty.jpg</bdi>: This file is empty")),
        (GERMAN, ("notes.txt</bdi>: ", "ist schon da", "empty.jpg</bdi>: Diese Datei ist leer")),
    ],
)
def test_a_refusal_is_explained_by_file_name_and_the_other_photos_are_kept(
    api: ApiClient, headers: dict[str, str], sentences: tuple[str, ...]
) -> None:
    files = [
        ("aunt.jpg", PORTRAIT),
        ("notes.txt", b"broken"),
        ("again.jpg", PORTRAIT),
        ("empty.jpg", b""),
        ("uncle.jpg", b"an uncle"),
    ]
    answer = send(api, files, **headers)
    page = page_after(api, answer, headers)
    (alert,) = re.findall(r'<div class="problem" role="alert">(.*?)</div>', page, re.DOTALL)
    assert [each for each in sentences if each not in page] == []
    assert alert.count("<li data-refused>") == 2
    assert "again.jpg" not in alert
    assert re.findall(r'<bdi class="name">([^<]+)</bdi>', page) == ["aunt.jpg", "uncle.jpg"]
    again = page_after(api, answer, headers)
    assert "data-refused" not in again, "reloading the page says it no more, and sends nothing"
    assert len(api.shop.own_unit_of_work.pages.uploads) == 1


def test_more_refusals_than_a_cookie_holds_are_counted(api: ApiClient) -> None:
    files = [(f"{number}-{'é' * 200}.txt", b"broken") for number in range(60)]
    answer = send(api, [("aunt.jpg", PORTRAIT), *files])
    assert len(answer.headers["set-cookie"]) < 4096
    page = page_after(api, answer)
    assert "60 files were not added:" in page
    named = page.count("<li data-refused>")
    assert 5 < named < 60
    assert f"… and {60 - named} more." in page


@pytest.mark.parametrize("kept", ["nonsense", "%", "e30=", "W10=", "eyJyZWZ1c2FscyI6W1sieCIsInkiXV19"])
def test_kept_refusals_that_cannot_be_read_are_ignored(api: ApiClient, kept: str) -> None:
    session_id = session_of(send(api, [("aunt.jpg", PORTRAIT)]))
    headers = {**BROWSER, "Cookie": f"refused_files={kept}"}
    page = api.http.get(f"/uploads/{session_id}", headers=headers)
    assert page.status_code == 200
    assert "not added" not in page.text


def test_a_photo_that_is_there_already_is_mentioned_calmly(api: ApiClient) -> None:
    answer = send(api, [("aunt.jpg", PORTRAIT), ("again.jpg", PORTRAIT)])
    page = page_after(api, answer)
    assert "not added:" not in page
    assert re.search(r'role="status">\s*<p><bdi>again.jpg</bdi>: This photo is already', page)


def test_a_photo_that_is_too_large_is_not_stored_and_the_next_one_is(limited_api: ApiClient) -> None:
    answer = send(limited_api, [("huge.tif", b"x" * (LIMIT_BYTES + 1)), ("aunt.jpg", PORTRAIT)])
    page = page_after(limited_api, answer)
    assert "huge.tif</bdi>: This file is too large" in page
    assert re.findall(r'<bdi class="name">([^<]+)</bdi>', page) == ["aunt.jpg"]
    assert len(limited_api.shop.storage.objects) == 1


def test_photos_beyond_the_limit_of_an_order_are_named(limited_api: ApiClient) -> None:
    answer = send(limited_api, [(f"{number}.jpg", b"photo %d" % number) for number in range(3)])
    page = page_after(limited_api, answer)
    assert "2.jpg</bdi>: One order takes 2 photos at most" in page
    assert re.findall(r'<bdi class="name">([^<]+)</bdi>', page) == ["0.jpg", "1.jpg"]


def test_a_form_with_far_more_parts_than_photos_is_refused(limited_api: ApiClient) -> None:
    answer = send(limited_api, [("aunt.jpg", PORTRAIT)] * 100)
    assert "Not all photos arrived." in page_after(limited_api, answer)


def test_a_form_without_a_photo_says_so_and_opens_no_session(api: ApiClient) -> None:
    answer = send(api, [("", b"")])
    assert answer.status_code == 422
    assert 'role="alert">No photo was chosen' in answer.text
    assert api.shop.own_unit_of_work.pages.uploads == {}


def test_what_is_no_form_is_refused(api: ApiClient) -> None:
    for content_type in ("image/jpeg", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = api.http.post("/uploads", content=PORTRAIT, headers={"Content-Type": content_type})
        assert_problem(answer, 415, "form-expected")


@pytest.mark.parametrize(
    "body",
    [
        b"no boundary at all",
        b"--"
        + BOUNDARY.encode()
        + b'\r\nContent-Disposition: form-data; name="photos"; filename="\xff.jpg"\r\n\r\nx',
        b"--" + BOUNDARY.encode() + b"\r\n" + b"X: y\r\n" * 100 + b"\r\n",
        b"--" + BOUNDARY.encode() + b"\r\nContent-Disposition: " + b"x" * 10_000,
    ],
)
def test_a_malformed_form_is_refused(api: ApiClient, body: bytes) -> None:
    answer = api.http.post("/uploads", content=body, headers={"Content-Type": FORM})
    assert answer.status_code == 400
    assert answer.json()["type"] in {"/problems/request-malformed", "/problems/body-incomplete"}
    assert api.shop.storage.objects == {}


def _part(content: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="photos"; filename="aunt.jpg"\r\n\r\n'
    return head.encode() + content


def test_a_form_that_stalls_is_ended(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_forms, "PATIENCE_SECONDS", 0.05)
    sender = Sender(_part(PORTRAIT), 1, then="silence")
    assert sender.post_to(api.shop, "/uploads", FORM) == 408
    assert api.shop.storage.objects == {}


def test_a_form_that_is_cut_off_keeps_the_photos_that_arrived(api: ApiClient) -> None:
    whole = _part(PORTRAIT) + b"\r\n" + _part(b"half a photo")
    sender = Sender(whole, 1, then="leave")
    assert sender.post_to(api.shop, "/uploads", FORM) == 400
    assert list(api.shop.storage.objects.values()) == [PORTRAIT]


def test_photos_of_a_first_form_that_breaks_off_are_on_the_page_that_answers(api: ApiClient) -> None:
    broken = _part(PORTRAIT) + b"\r\n--" + BOUNDARY.encode() + b"\r\n" + b"X: y\r\n" * 100 + b"\r\n"
    headers = {**GERMAN, "Content-Type": FORM}
    answer = api.http.post("/uploads", content=broken, headers=headers, follow_redirects=False)
    page = page_after(api, answer, GERMAN)
    assert "Nicht alle Fotos sind angekommen." in page
    assert "aunt.jpg" in page


def test_a_photo_is_written_to_a_file_in_batches(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_forms, "BATCH_BYTES", 1000)
    photo = bytes(range(256)) * 40
    session_id = session_of(send(api, [("aunt.jpg", photo)]))
    (added,) = api.shop.upload_service.find(session_id).photos
    assert (added.upload.size_bytes, api.shop.storage.objects[added.upload.key]) == (10240, photo)


def test_a_client_that_sends_too_much_is_refused_before_its_photos_are_read() -> None:
    quotas = replace(POLICY.visitor_quotas, mebibytes_by_client=1)
    shop = HttpShop(replace(POLICY, visitor_quotas=quotas))
    with TestClient(application(shop), raise_server_exceptions=False) as http:
        answer = send(ApiClient(shop, http), [("aunt.jpg", b"x" * 2 * 1024 * 1024)], **GERMAN)
    assert answer.status_code == 429
    assert "<h1>Einen Moment bitte</h1>" in answer.text
    assert shop.storage.objects == {}


def test_a_photo_is_removed_by_its_button(api: ApiClient) -> None:
    session_id = session_of(send(api, [("aunt.jpg", PORTRAIT), ("uncle.jpg", b"an uncle")]))
    page = api.http.get(f"/uploads/{session_id}", headers=BROWSER).text
    (first, _) = re.findall(r'action="([^"]+/remove)"', page)
    assert "Remove aunt.jpg" in page
    assert session_of(api.http.post(first, headers=BROWSER, follow_redirects=False)) == session_id
    assert names_on(api, session_id) == ["uncle.jpg"]


def pay(api: ApiClient, session_id: UploadSessionId, **form: str) -> httpx.Response:
    headers = {**BROWSER, "Accept-Language": "de-AT,de;q=0.5"}
    return api.http.post(f"/uploads/{session_id}/pay", data=form, headers=headers, follow_redirects=False)


def test_the_button_to_pay_leads_to_the_payment_page(api: ApiClient) -> None:
    session_id = session_of(send(api, [("aunt.jpg", PORTRAIT)]))
    answer = pay(api, session_id, email="  adele@customers.example ")
    checkout = api.shop.upload_service.find(session_id).checkout
    assert checkout is not None
    assert (answer.status_code, answer.headers["location"]) == (303, checkout.url)
    (asked,) = api.shop.payments.checkouts.values()
    assert (asked.email, asked.locale) == ("adele@customers.example", "de-AT")


def test_the_form_shows_another_price_than_its_button_had(api: ApiClient) -> None:
    session_id = session_of(send(api, [("aunt.jpg", PORTRAIT)]))
    shown = api.http.get(f"/uploads/{session_id}", headers=BROWSER).text
    (amount,) = re.findall(r'name="amount" value="(\d+)"', shown)
    api.shop.add(session_id, b"an uncle, from another tab")
    asked = pay(api, session_id, email="adele@customers.example", amount=amount)
    assert asked.status_code == 409
    assert "Der Preis" in asked.text or "neuen Preis" in asked.text
    assert "9,80" in asked.text
    assert 'value="adele@customers.example"' in asked.text
    assert api.shop.payments.checkouts == {}
    (amount,) = re.findall(r'name="amount" value="(\d+)"', asked.text)
    assert pay(api, session_id, amount=amount).status_code == 303
    (checkout,) = api.shop.payments.checkouts.values()
    assert (checkout.photos, checkout.unit_price.amount) == (2, 490)


@pytest.mark.parametrize("amount", ["", "4.90", "-490", "x" * 100, "9" * 100])
def test_an_amount_that_is_no_number_is_ignored(api: ApiClient, amount: str) -> None:
    session_id = session_of(send(api, [("aunt.jpg", PORTRAIT)]))
    assert pay(api, session_id, amount=amount).status_code == 303


def test_who_comes_back_without_paying_finds_what_they_typed(api: ApiClient) -> None:
    session_id = session_of(send(api, [("aunt.jpg", PORTRAIT)]))
    left = pay(api, session_id, email="ädele+old@customers.example")
    assert left.headers["set-cookie"].endswith(
        f"HttpOnly; Max-Age=3600; Path=/uploads/{session_id}; SameSite=Lax"
    )
    address = f"/uploads/{session_id}"
    back = api.http.get(address, headers=BROWSER).text
    assert "If you did not pay, nothing was charged" in back
    assert ">Go on to the payment<" in back
    changed = api.http.post(f"{address}/change", headers=BROWSER)
    assert 'value="ädele+old@customers.example"' in changed.text
    pay(api, session_id)
    api.http.post(f"{address}/change", headers=BROWSER)
    assert "ädele" not in api.http.get(address, headers=BROWSER).text, "they have removed it"
    pay(api, session_id, email="adele@customers.example")
    other = session_of(send(api, [("uncle.jpg", b"an uncle")]))
    assert "adele@" not in api.http.get(f"/uploads/{other}", headers=BROWSER).text


@pytest.mark.parametrize("kept", ["nonsense", "%00a@b.example", "%"])
def test_a_kept_address_that_is_none_is_ignored(api: ApiClient, kept: str) -> None:
    session_id = session_of(send(api, [("aunt.jpg", PORTRAIT)]))
    headers = {**BROWSER, "Cookie": f"typed_email={kept}"}
    page = api.http.get(f"/uploads/{session_id}", headers=headers)
    assert page.status_code == 200
    assert (
        '<input type="email" id="email" name="email" autocomplete="email" maxlength="254" value=""'
        in page.text
    )


@pytest.mark.parametrize(
    ("accept_language", "query", "locale"),
    [
        ("de-AT,de;q=0.5", "", "de-AT"),
        ("rm-CH,rm;q=0.5", "", "rm-CH"),
        ("rm-CH", "?lang=de", "de"),
        ("", "", None),
    ],
)
def test_mails_are_in_the_language_of_the_page_or_of_a_browser_without_a_page(
    api: ApiClient, accept_language: str, query: str, locale: str | None
) -> None:
    session_id = session_of(send(api, [("aunt.jpg", PORTRAIT)]))
    headers = {**BROWSER, "Accept-Language": accept_language}
    api.http.get(f"/uploads/{session_id}{query}", headers=headers)
    api.http.post(f"/uploads/{session_id}/pay", headers=headers, follow_redirects=False)
    (asked,) = api.shop.payments.checkouts.values()
    assert asked.locale == locale


def test_the_page_may_send_its_form_on_to_the_payment_provider(api: ApiClient) -> None:
    session_id = session_of(send(api, [("aunt.jpg", PORTRAIT)]))
    # The script of the home page shows the upload page in its place, under the same policy.
    for address in ("/", f"/uploads/{session_id}"):
        policy = api.http.get(address, headers=BROWSER).headers["content-security-policy"]
        assert "form-action 'self' https://checkout.stripe.com;" in policy
    other = api.http.get("/imprint", headers=BROWSER).headers["content-security-policy"]
    assert "checkout.stripe.com" not in other


@pytest.mark.parametrize(
    "email", ["adele", "adele@customers", "a\0b@customers.example", "a" * 300 + "@b.example"]
)
def test_a_wrong_address_is_explained_beside_its_field(api: ApiClient, email: str) -> None:
    session_id = session_of(send(api, [("aunt.jpg", PORTRAIT)]))
    answer = pay(api, session_id, email=email)
    assert answer.status_code == 422
    assert 'role="alert" id="pay-problem">Das ist keine E-Mail-Adresse' in answer.text
    assert 'aria-invalid="true" autofocus' in answer.text  # or the top of the page is shown, without a word
    assert api.shop.payments.checkouts == {}


@pytest.mark.parametrize("code", ["ABCD-EFGH", "no such code", "x" * 65])
def test_a_code_that_does_not_exist_is_explained(api: ApiClient, code: str) -> None:
    session_id = session_of(send(api, [("aunt.jpg", PORTRAIT)]))
    answer = pay(api, session_id, code=code)
    assert answer.status_code == 422
    assert "Diesen Code kennen wir nicht" in answer.text
    assert f'value="{code}"' in answer.text


def test_the_photos_can_be_changed_after_the_payment_page_was_opened(api: ApiClient) -> None:
    session_id = session_of(send(api, [("aunt.jpg", PORTRAIT)]))
    pay(api, session_id)
    waiting = api.http.get(f"/uploads/{session_id}", headers=BROWSER).text
    assert f'action="/uploads/{session_id}/change"' in waiting
    assert "/remove" not in waiting
    assert session_of(api.http.post(f"/uploads/{session_id}/change", follow_redirects=False)) == session_id
    assert api.shop.upload_service.find(session_id).status is UploadStatus.OPEN
    (page,) = api.shop.payments.states.values()
    assert page.status is CheckoutStatus.EXPIRED
    send(api, [("uncle.jpg", b"an uncle")], f"/uploads/{session_id}/photos")
    assert names_on(api, session_id) == ["aunt.jpg", "uncle.jpg"]


def test_paid_photos_lead_to_their_order_and_stay_as_they_are(api: ApiClient) -> None:
    session_id = session_of(send(api, [("aunt.jpg", PORTRAIT)]))
    order_id = api.shop.pay(session_id)
    order = f"https://shop.example/api/restoration/status/{order_id}"
    for path in (f"/uploads/{session_id}", f"/api/uploads/{session_id}"):
        answer = api.http.get(path, headers=BROWSER, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, order)
    assert pay(api, session_id).headers["location"] == f"/uploads/{session_id}"
    for path in ("change", "photos"):
        answer = (
            send(api, [("uncle.jpg", b"an uncle")], f"/uploads/{session_id}/{path}")
            if path == "photos"
            else api.http.post(f"/uploads/{session_id}/{path}", headers=BROWSER)
        )
        assert answer.status_code == 409
        assert "These photos are ordered already" in answer.text


def test_an_unknown_upload_is_explained(api: ApiClient) -> None:
    unknown = uuid4()
    answers = [
        api.http.get(f"/uploads/{unknown}", headers=GERMAN),
        api.http.post(f"/uploads/{unknown}/pay", headers=GERMAN),
        api.http.post(f"/uploads/{unknown}/change", headers=GERMAN),
        api.http.post(f"/uploads/{unknown}/photos/{unknown}/remove", headers=GERMAN),
        send(api, [("aunt.jpg", PORTRAIT)], f"/uploads/{unknown}/photos", **GERMAN),
    ]
    for answer in answers:
        assert answer.status_code == 404
        assert "<h1>Diese Fotos gibt es hier nicht</h1>" in answer.text


@pytest.mark.parametrize(
    "form", ["pay", "photos", "change", "photos/0190f6a4-5b0e-7c1a-9d3e-2f4b6a8c0e12/remove"]
)
def test_reloading_the_answer_to_a_form_shows_its_page(api: ApiClient, form: str) -> None:
    session_id = session_of(send(api, [("aunt.jpg", PORTRAIT)]))
    answer = api.http.get(f"/uploads/{session_id}/{form}", headers=BROWSER, follow_redirects=False)
    assert session_of(answer) == session_id


def test_reloading_the_answer_to_the_first_form_shows_the_form(api: ApiClient) -> None:
    answer = api.http.get("/uploads", headers=BROWSER, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/#start")
