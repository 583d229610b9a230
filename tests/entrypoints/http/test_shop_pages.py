import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from adapters.localization.catalog import CATALOGS, read_catalogs
from entrypoints.http import create_app
from entrypoints.http.pages import shop_pages
from entrypoints.http.pages.assets import FOLDER, Assets, contents_of
from entrypoints.http.pages.brand import BrandError, read_brand
from entrypoints.http.pages.shop_pages import KEPT_DAYS
from entrypoints.http.pages.site import Site, assets_with
from tests.entrypoints.support.http_fixtures import BROWSER, ApiClient, HttpShop

GERMAN = {**BROWSER, "Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


@contextmanager
def shop_with(**site: Any) -> Iterator[TestClient[Litestar]]:
    """A shop of doubles whose site differs in these fields."""
    app = create_app(HttpShop(), Site(**{"public_url": "https://shop.example", **site}))
    with TestClient(app, raise_server_exceptions=False) as http:
        yield http


def assets_of(page: str) -> list[str]:
    return re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)


def test_the_home_page_is_for_people_and_its_document_for_programs(api: ApiClient) -> None:
    page = api.http.get("/", headers=BROWSER)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Your old photos, as good as new</h1>" in page.text
    document = api.http.get("/")
    assert document.json()["health"] == "/health/ready"
    assert document.headers["vary"] == "Accept"


def test_the_home_page_has_the_prices_limits_and_promise_of_the_shop(api: ApiClient) -> None:
    page = api.http.get("/", headers=BROWSER).text
    assert re.search(r"1 to 9 photos</th>\s*<td>€4.90", page)
    assert re.search(r"10 photos or more</th>\s*<td>€3.90", page)
    assert "up to 50 MB each and 200 at a time" in page
    assert "or you get your money back for it" in page
    assert re.search(r'<form method="post" action="/uploads" enctype="multipart/form-data"', page)


def test_only_the_shops_own_pages_are_found_by_search_engines(api: ApiClient) -> None:
    for path in ("/", "/imprint", "/privacy", "/contact"):
        assert "noindex" not in api.http.get(path, headers=BROWSER).text
    order = api.http.get(f"/api/restoration/status/{api.shop.delivered()}", headers=BROWSER).text
    assert '<meta name="robots" content="noindex">' in order
    assert "og:" not in order
    assert "og:image" in api.http.get("/", headers=BROWSER).text
    robots = api.http.get("/robots.txt")
    assert robots.headers["content-type"].startswith("text/plain")
    assert "Disallow: /\n" in robots.text


def test_files_of_a_page_are_kept_by_browsers_for_good(api: ApiClient) -> None:
    found = assets_of(api.http.get("/", headers=BROWSER).text)
    assert len(found) >= 6
    for address in found:
        answer = api.http.get(address)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
    style = next(address for address in found if address.endswith("style.css"))
    sheet = api.http.get(style)
    assert sheet.headers["content-type"] == "text/css; charset=utf-8"
    assert sheet.headers["content-encoding"] == "gzip"
    assert api.http.get(style, headers={"Accept-Encoding": "identity"}).content == sheet.content


def test_a_file_of_another_revision_is_sent_but_not_kept(api: ApiClient) -> None:
    answer = api.http.get("/assets/0123456789abcdef/style.css")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["nothing.css", "../site.py", "..%2fsite.py", "%2e%2e/site.py", ""])
def test_nothing_but_the_files_of_pages_is_sent(api: ApiClient, name: str) -> None:
    assert api.http.get(f"/assets/0123456789abcdef/{name}").status_code == 404


def test_another_content_is_another_address() -> None:
    first, second = Assets({"style.css": b"a{}"}), Assets({"style.css": b"b{}"})
    assert first.path("style.css") != second.path("style.css")
    with pytest.raises(KeyError):
        first.path("missing.css")


def test_a_script_is_included_once_it_is_built() -> None:
    built = {
        "built/manifest.json": json.dumps(
            {"start.js": "start-1926.js", "upload.js": "upload-1931.js"}
        ).encode(),
        "built/licences.txt": b"",
        "built/start-1926.js": b"",
        "built/upload-1931.js": b"export {};",
    }
    own = {name: content for name, content in contents_of(FOLDER) if not name.startswith("built/")}
    with shop_with(assets=Assets(own)) as http:
        assert "<script" not in http.get("/", headers=BROWSER).text
    with shop_with(assets=Assets({**own, **built})) as http:
        page = http.get("/", headers=BROWSER).text
        assert page.index("start-1926.js") < page.index("style.css")  # before the first paint
        (address,) = re.findall(r'<script type="module" src="([^"]+)"></script>', page)
        script = http.get(address)
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.text == "export {};"


def test_an_icon_is_where_browsers_look_for_it(api: ApiClient) -> None:
    icon = api.http.get("/favicon.ico")
    assert (icon.status_code, icon.content[:4]) == (200, b"\0\0\1\0")


def test_a_chosen_language_is_kept_and_wins_over_the_browsers(api: ApiClient) -> None:
    chosen = api.http.get("/?lang=de", headers={**BROWSER, "Accept-Language": "en"})
    assert '<html lang="de" dir="ltr">' in chosen.text
    cookie = chosen.headers["set-cookie"]
    assert cookie.startswith("language=de;")
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    later = api.http.get("/imprint", headers={**BROWSER, "Accept-Language": "en"})
    assert "<h1>Impressum</h1>" in later.text
    assert "set-cookie" not in later.headers
    back = api.http.get("/imprint?lang=en", headers=GERMAN)
    assert "<h1>Imprint</h1>" in back.text
    api.http.cookies.clear()


@pytest.mark.parametrize("language", ["xx", "", "de-AT", "../en", "de;q=1"])
def test_a_language_without_a_catalog_is_ignored(api: ApiClient, language: str) -> None:
    for request in ({"params": {"lang": language}}, {"headers": {"Cookie": f'language="{language}"'}}):
        answer = api.http.get(
            "/", headers={**BROWSER, **request.get("headers", {})}, params=request.get("params")
        )
        assert '<html lang="en" dir="ltr">' in answer.text
        assert "set-cookie" not in answer.headers


def test_each_page_offers_the_other_languages(api: ApiClient) -> None:
    page = api.http.get("/nowhere", headers=GERMAN)
    assert page.status_code == 404
    assert "<h1>Hier ist nichts</h1>" in page.text
    assert re.search(r'<a href="\?lang=en" lang="en" [^>]*>English</a>', page.text)
    assert re.search(r'<a href="\?lang=de" lang="de" [^>]*aria-current="true">Deutsch</a>', page.text)


def test_one_more_language_is_one_more_file(tmp_path: Path) -> None:
    folder = copytree(str(CATALOGS), tmp_path / "languages")
    english = (folder / "en.toml").read_text()
    (folder / "nl.toml").write_text(re.sub(r'= "', '= "[nl] ', english))
    with shop_with(languages=read_catalogs(folder)) as http:
        page = http.get("/", headers={**BROWSER, "Accept-Language": "nl-BE"}).text
        missing = http.get("/nowhere?lang=nl", headers=GERMAN).text
    assert "<h1>[nl] Your old photos" in page
    assert '<html lang="nl" dir="ltr">' in page
    assert 'lang="nl" hreflang="nl" rel="nofollow" aria-current="true">Nederlands</a>' in page
    assert "<h1>[nl] There is nothing here</h1>" in missing


def test_a_shops_own_colours_logo_and_legal_pages_are_shown(tmp_path: Path) -> None:
    (tmp_path / "colours.css").write_text(":root { --accent: rebeccapurple; }")
    (tmp_path / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "imprint.de.md").write_text("**Foto Brandt**, *Graz*\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    (tmp_path / "privacy.en.html").write_text("<p>We keep <b>nothing</b>.</p>")
    (tmp_path / "notes.txt").write_text("not for the public")
    (tmp_path / "favicon.ico").write_bytes(b"an icon")
    brand = read_brand(tmp_path)
    with shop_with(shop_name="Foto Brandt", brand=brand, assets=assets_with(brand)) as http:
        home = http.get("/", headers=GERMAN).text
        logo, colours = (
            next(address for address in assets_of(home) if address.endswith(name))
            for name in ("brand/logo.svg", "brand/colours.css")
        )
        assert http.get(colours).text == ":root { --accent: rebeccapurple; }"
        assert http.get(logo).headers["content-security-policy"].endswith("sandbox")
        imprint = http.get("/imprint", headers=GERMAN).text
        privacy = http.get("/privacy", headers=GERMAN).text
        contact = http.get("/contact", headers=GERMAN).text
        assert http.get(logo.replace("logo.svg", "notes.txt")).status_code == 404
        assert http.get("/favicon.ico").content == b"an icon"
    assert 'alt="Foto Brandt"' in home
    assert home.index("style.css") < home.index("colours.css")
    assert "<strong>Foto Brandt</strong>, <em>Graz</em>" in imprint
    assert "<td>1</td>" in imprint
    assert "<p>We keep <b>nothing</b>.</p>" in privacy  # there is none in German
    assert "Schreiben Sie uns" in contact


def test_colours_and_sizes_of_our_files_are_not_claimed_of_a_shops_own(tmp_path: Path) -> None:
    claims = ('name="theme-color"', 'property="og:image:width"', 'property="og:image:alt"')
    with shop_with() as http:
        home = http.get("/", headers=GERMAN).text
    assert [each for each in claims if each not in home] == []
    (tmp_path / "colours.css").write_text(":root { --page: rebeccapurple; }")
    (tmp_path / "preview.jpg").write_bytes(b"a picture")
    brand = read_brand(tmp_path)
    with shop_with(brand=brand, assets=assets_with(brand)) as http:
        home = http.get("/", headers=GERMAN).text
    assert [each for each in claims if each in home] == []
    assert 'property="og:image"' in home


def test_visitors_without_a_legal_page_in_their_language_see_the_one_that_exists(tmp_path: Path) -> None:
    (tmp_path / "imprint.de.md").write_text("**Foto Brandt**, Graz")
    (tmp_path / "privacy.de.md").write_text("Wir behalten nichts.")
    (tmp_path / "privacy.en.md").write_text("We keep nothing.")
    brand = read_brand(tmp_path)
    with shop_with(brand=brand, assets=assets_with(brand)) as http:
        english = {**BROWSER, "Accept-Language": "en"}
        imprint = http.get("/imprint", headers=english).text
        own = http.get("/imprint", headers=GERMAN).text
        privacy = http.get("/privacy", headers=english).text
    assert "<h1>Imprint</h1>" in imprint
    assert '<div class="prose" lang="de" dir="auto">\n<p><strong>Foto Brandt</strong>' in imprint
    assert '<div class="prose">\n<p><strong>Foto Brandt</strong>' in own
    assert '<div class="prose">\n<p>We keep nothing.</p>' in privacy


@pytest.mark.parametrize(
    ("language", "words"), [("en", "kept in your browser"), ("de", "merkt sich Ihr Browser")]
)
def test_the_privacy_page_names_what_the_browser_keeps_and_for_how_long(
    api: ApiClient, language: str, words: str
) -> None:
    page = api.http.get("/privacy", headers={**BROWSER, "Accept-Language": language}).text
    assert words in page
    assert re.search(rf"\b{KEPT_DAYS} (days at most|Tage)", page)
    script = (Path(shop_pages.__file__).parents[1] / "frontend" / "src" / "kept.js").read_text()
    assert f"KEPT_MS = {KEPT_DAYS} * 24 * 60 * 60 * 1000;" in script


def test_a_brand_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrandError, match=r"BRAND_DIRECTORY .* correct the path"):
        read_brand(tmp_path / "missing")
    (tmp_path / "imprint.en.md").write_bytes(b"\xff")
    with pytest.raises(BrandError, match="save it as UTF-8"):
        read_brand(tmp_path)
    (tmp_path / "imprint.en.md").write_bytes(b"x" * (2 * 1024 * 1024 + 1))
    with pytest.raises(BrandError, match="2097152 at most"):
        read_brand(tmp_path)


def test_every_address_holds_below_a_path_of_the_shops_host() -> None:
    with shop_with(public_url="https://shop.example/photos") as http:
        page = http.get("/?lang=de", headers=BROWSER)
    found = re.findall(r'(?:src|href|action)="(/[^"]*)"', page.text)
    assert found
    assert [address for address in found if not address.startswith("/photos/")] == []
    assert "Path=/photos" in page.headers["set-cookie"]
    assert "Secure" in page.headers["set-cookie"]


def test_scripts_and_clients_find_the_api_below_a_path_of_the_shops_host() -> None:
    with shop_with(public_url="https://shop.example/photos") as http:
        session = http.post("/api/uploads").json()["session_id"]
        begun = http.post(
            f"/api/uploads/{session}/tus", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "9"}
        )
        servers = http.get("/schema/openapi.json").json()["servers"]
    assert begun.headers["location"].startswith(f"/photos/api/uploads/{session}/tus/")
    assert begun.content == b""
    assert servers == [{"url": "/photos"}]


def test_a_page_whose_text_has_a_first_heading_has_one_of_the_first_level(tmp_path: Path) -> None:
    (tmp_path / "imprint.en.md").write_text("# Photo Brandt\n\n## Address\n")
    brand = read_brand(tmp_path)
    with shop_with(brand=brand, assets=assets_with(brand)) as http:
        imprint = http.get("/imprint", headers={**BROWSER, "Accept-Language": "en"}).text
    assert imprint.count("<h1") == 1
    assert "<h2>Photo Brandt</h2>" in imprint


@pytest.mark.parametrize(
    ("file", "text", "title"),
    [
        ("imprint.de.md", "# Impressum\n\nFoto Brandt", "Impressum"),
        ("imprint.de.html", "<h1 class='big'>Impressum</h1>\n<p>Foto Brandt</p>", "Impressum"),
        ("imprint.en.md", "# Imprint\n\nFoto Brandt", "Impressum"),
        ("privacy.de.md", "# Datenschutz &amp; Rechte\n\nFoto Brandt", "Datenschutz &amp; Rechte"),
    ],
)
def test_a_legal_text_with_the_title_of_its_page_shows_it_once(
    tmp_path: Path, file: str, text: str, title: str
) -> None:
    (tmp_path / file).write_text(text)
    brand = read_brand(tmp_path)
    with shop_with(brand=brand, assets=assets_with(brand)) as http:
        page = http.get(f"/{file.partition('.')[0]}", headers={**BROWSER, "Accept-Language": "de"}).text
    main = page.partition("<main")[2].partition("</main>")[0]
    assert main.count(title) == 1
    assert "<h2" not in main
    assert f"<h1>{title}</h1>" in main
    assert f"<title>{title} · " in page
    assert "<p>Foto Brandt</p>" in main


def test_a_sandbox_says_what_it_is(api: ApiClient) -> None:
    assert "This is a sandbox" not in api.http.get("/", headers=BROWSER).text
    with shop_with(sandbox_mailbox_url="http://127.0.0.1:9/mailbox") as http:
        page = http.get("/", headers=BROWSER).text
    assert "This is a sandbox" in page
    assert '<a href="http://127.0.0.1:9/mailbox">' in page


def test_a_refused_photo_is_explained_to_scripts_in_the_language_of_the_page(api: ApiClient) -> None:
    session_id = api.open_session()
    for headers, language, words in (
        ({"Accept-Language": "de-AT"}, "de", "Diese Datei ist kein Bild"),
        ({"Accept-Language": "en", "Cookie": "language=de"}, "de", "Diese Datei ist kein Bild"),
        ({"Accept-Language": "de", "Cookie": "language=en"}, None, "This file is not a picture"),
        ({}, None, "This file is not a picture"),
    ):
        answer = api.send_photo(session_id, b"broken", **headers)
        assert answer.status_code == 422
        assert words in answer.json()["detail"]
        assert answer.headers.get("content-language") == language


@pytest.mark.parametrize("path", ["/", "/imprint", "/robots.txt", "/favicon.ico"])
def test_headers_can_be_asked_for_alone(api: ApiClient, path: str) -> None:
    answer, whole = api.http.head(path, headers=BROWSER), api.http.get(path, headers=BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (200, whole.headers["content-type"])
