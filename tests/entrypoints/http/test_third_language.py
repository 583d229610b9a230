"""One more language is one more file, for every sentence.

The third catalog is the English one in capitals, so that a sentence which is not from a catalog shows.
"""

import json
import re
import string
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.resources import as_file
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from litestar.testing import TestClient

from adapters.images import refusals
from adapters.localization.catalog import CATALOGS, Catalog, read_catalogs
from adapters.localization.locales import localization_for
from adapters.localization.refusal_messages import unreadable_text
from domain.ports.errors import UnreadableImageError
from entrypoints.http import create_app
from entrypoints.http.pages.site import Site
from tests.entrypoints.support.http_fixtures import BROWSER, PORTRAIT, ApiClient, HttpShop

FRENCH = {**BROWSER, "Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"}

#: One refusal of each kind.
REFUSALS: list[UnreadableImageError] = [
    refusals.not_a_picture(),
    refusals.damaged(),
    refusals.not_opened(),
    refusals.too_slow(),
    refusals.too_much_memory(),
    refusals.camera_raw(),
    refusals.several_pages(3),
    refusals.several_pages(refusals.COUNTED_AT_MOST + 1),
    refusals.preview_first(),
    refusals.too_many_scans(500),
    refusals.unusual_jpeg(),
    refusals.animation(12),
    refusals.animation(refusals.COUNTED_AT_MOST + 1),
    refusals.invisible(),
    refusals.high_dynamic_range(),
    refusals.too_large(60_000, 60_000, 4_000_000, None),
    refusals.too_large(60_000, 60_000, 4_000_000, 100_000_000),
    refusals.too_small(12, 12, 32),
    refusals.kind_of_tiff([("tiff_bits", {"bits": 64}), ("tiff_lab", {})], []),
    refusals.kind_of_tiff([("tiff_bits", {"bits": 8}), ("tiff_channels", {"count": 5})], ["tiff_be_opaque"]),
]


class Words(HTMLParser):
    """What a person reads or hears of a page and its scripts."""

    _READ = ("alt", "aria-label", "placeholder", "title", "content", "data-slider-label")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._element = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self._element = "bdi" if tag == "bdi" or values.get("hreflang") else tag
        if tag != "meta" or values.get("name") == "description" or str(values.get("property")) == "og:title":
            self.found += [value for name in self._READ if (value := values.get(name))]

    def handle_endtag(self, tag: str) -> None:
        self._element = "" if tag in {"bdi", "a", "template"} else self._element

    def handle_data(self, data: str) -> None:
        if self._element != "bdi":  # names of files and languages are in none
            self.found.append(data)


def capitals(phrase: str) -> str:
    """The phrase in capitals, apart from what is filled in."""
    parts = string.Formatter().parse(phrase)
    return "".join(text.upper() + (f"{{{name}}}" if name is not None else "") for text, name, _, _ in parts)


@pytest.fixture
def french(tmp_path: Path) -> dict[str, Catalog]:
    """The shop's catalogs and one in capitals."""
    with as_file(CATALOGS) as own:
        folder = copytree(own, tmp_path / "languages")
    lines = []
    for name, phrase in Catalog.read(folder / "en.toml").phrases.items():
        forms = (
            {name: phrase} if isinstance(phrase, str) else {f"{name}.{each}": phrase[each] for each in phrase}
        )
        lines += [
            f"{form} = {json.dumps(capitals(text), ensure_ascii=False)}" for form, text in forms.items()
        ]
    (folder / "fr.toml").write_text("\n".join(lines), "utf-8")
    return dict(read_catalogs(folder))


@pytest.fixture
def api(french: dict[str, Catalog]) -> Iterator[ApiClient]:
    shop = HttpShop()
    app = create_app(shop, Site(shop_name="SHOP", public_url="https://shop.example", languages=french))
    with TestClient(app, raise_server_exceptions=False) as http:
        http.headers.update(FRENCH)
        yield ApiClient(shop, http)


def foreign(text: str) -> list[str]:
    """Words in small letters, without addresses, months and units."""
    text = re.sub(r"[0-9a-f-]{36}|[\w-]+\.jpg|\S+@\S+|https?://\S+|/\S*|\{\w+\}", " ", text)
    text = re.sub(r"\"\w+\": ", " ", text)  # the keys of scripts' sentences
    known = {"octobre", "mars", "avril", "mai", "minutes", "minute", "jours", "jour", "x", "kB", "MB"}
    return [word for word in re.findall("[A-Za-z]+", text) if not word.isupper() and word not in known]


def test_every_refused_picture_is_explained_in_the_third_language(french: dict[str, Catalog]) -> None:
    localization = localization_for("fr-CA", french)
    sentences = [unreadable_text(each, localization) for each in REFUSALS]
    assert [foreign(sentence) for sentence in sentences if foreign(sentence)] == []
    assert len(set(sentences)) == len(sentences)
    names = {name.partition(".")[2] for name in french["en"].phrases if name.startswith("picture.")}
    assert {each.refusal for each in REFUSALS} == {
        name for name in names if not name.startswith("tiff_b")
    } - {name for name in names if name.startswith("tiff_") and name != "tiff_also"}


def test_every_page_is_in_the_third_language(api: ApiClient) -> None:
    shop, http = api.shop, api.http
    expired = shop.token(shop.delivered())
    shop.clock.advance(days=31)
    order_id, waiting = shop.delivered(b"a wedding"), shop.pay(shop.upload(b"a picnic", b"a harvest"))
    link, session_id = shop.token(order_id), shop.upload(PORTRAIT)
    pages = [
        *(f"/{name}" for name in ("", "imprint", "privacy", "contact", "no-such-page")),
        f"/uploads/{session_id}",
        *(f"/api/restoration/status/{each}" for each in (order_id, waiting, "unknown")),
        *(f"/api/download/{each}" for each in (f"{link}/photos", "unknown", expired)),
    ]
    for address in pages:
        assert_is_french(http.get(address))
    files = {"photos": ("letter.jpg", b"broken", "image/jpeg")}
    assert_is_french(http.post(f"/uploads/{session_id}/photos", files=files))
    assert_is_french(http.post(f"/uploads/{session_id}/pay", data={"email": "oma@gmx"}))
    assert_is_french(http.post(f"/api/email/resend/{order_id}"))


def test_a_refused_photo_is_explained_to_a_program_in_the_third_language(api: ApiClient) -> None:
    refused = api.send_photo(api.open_session(), b"broken", Accept="application/json")
    assert foreign(refused.json()["detail"]) == []
    assert refused.headers["content-language"] == "fr"


def assert_is_french(answer: Any) -> None:
    assert '<html lang="fr" dir="ltr">' in answer.text, answer.url
    words = [foreign(text) for text in Words(answer.text).found]
    assert [each for each in words if each] == [], answer.url
