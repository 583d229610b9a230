import re
from urllib.parse import urlsplit

from domain.order import events as e
from tests.entrypoints.support.http_fixtures import BROWSER, PORTRAIT, ApiClient, assert_problem

GERMAN = {**BROWSER, "Accept-Language": "de"}


def path_of(api: ApiClient, *photos: bytes) -> str:
    return f"/api/download/{api.shop.token(api.shop.delivered(*photos))}"


def shared_by(api: ApiClient, path: str) -> str:
    """The path of the link for others that a program makes."""
    answer = api.http.post(f"{path}/share")
    assert answer.status_code == 201
    return str(urlsplit(answer.json()["url"]).path).removesuffix("/photos")


def test_a_customer_makes_and_takes_back_a_link_by_forms(api: ApiClient) -> None:
    path = path_of(api)
    page = api.http.get(f"{path}/photos", headers=BROWSER).text
    assert 'action="share"' in page
    made = api.http.post(f"{path}/share", headers=BROWSER)
    assert made.url.path == f"{path}/photos"
    (url,) = re.findall(r'value="(https://shop\.example/api/download/[^"]+/photos)" readonly', made.text)
    visitor = api.http.get(urlsplit(url).path, headers=GERMAN)
    assert "Diese Fotos wurden mit Ihnen geteilt" in visitor.text
    assert "data-save-all" in visitor.text
    for none in ("/redo", 'action="share', "Noch nicht richtig"):
        assert none not in visitor.text.partition("<main")[2]
    back = api.http.post(f"{path}/share/revoke", headers=BROWSER)
    assert 'action="share"' in back.text
    gone = api.http.get(urlsplit(url).path, headers=GERMAN)
    assert gone.status_code == 410
    assert "Dieser Link wurde zurückgezogen" in gone.text
    assert "Bitten Sie die Person, die die Fotos mit Ihnen geteilt hat" in gone.text
    assert "E-Mail" not in gone.text.partition("<main")[2]


def test_a_program_makes_and_takes_back_a_link(api: ApiClient) -> None:
    path = path_of(api)
    shared = shared_by(api, path)
    assert shared_by(api, path) == shared
    assert api.http.get(f"{shared}/photos").json()["photos"][0]["redo_is_possible"] is False
    assert api.http.delete(f"{path}/share").status_code == 204
    assert_problem(api.http.get(f"{shared}/photos"), 410, "link-withdrawn")


def test_a_link_for_others_shows_and_saves_and_can_do_no_more(api: ApiClient) -> None:
    path = path_of(api, PORTRAIT)
    shared = shared_by(api, path)
    (image,) = api.http.get(f"{shared}/photos").json()["photos"]
    one = f"{shared}/{image['image_id']}"
    assert api.http.get(one).content == b"restored " + PORTRAIT
    assert api.http.post(f"{shared}/archive", follow_redirects=False).status_code == 303
    assert_problem(api.http.post(f"{one}/redo"), 409, "not-possible-now")
    for refused in (api.http.post(f"{shared}/share"), api.http.delete(f"{shared}/share")):
        assert_problem(refused, 403, "link-shared")
    order = api.shop.order(api.shop.downloads.open(shared.rpartition("/")[2])[0].order_id)
    assert e.ResultDownloaded not in {type(event) for event in api.shop.events(order.order_id)}


def test_an_expired_link_for_others_offers_no_new_one(api: ApiClient) -> None:
    path = path_of(api)
    shared = shared_by(api, path)
    api.shop.clock.advance(days=31)
    page = api.http.get(f"{shared}/photos", headers=GERMAN)
    assert page.status_code == 410
    assert "Dieser Link ist abgelaufen" in page.text
    assert "Bitten Sie die Person, die die Fotos mit Ihnen geteilt hat" in page.text
    assert "<form" not in page.text
    problem = assert_problem(api.http.get(f"{shared}/photos"), 410, "link-expired")
    assert "ask the person who shared it" in problem["detail"]
    assert "renew" in api.http.get(f"{path}/photos", headers=GERMAN).text
