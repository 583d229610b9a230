"""Customers' file names in responses, pages, e-mails and downloads."""

import json
import unicodedata
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from domain.order.values import OrderId
from tests.entrypoints.support.http_fixtures import BROWSER, ApiClient

CASES = Path(__file__).parents[2] / "cases"


def names_of(case: str) -> list[str]:
    names: list[str] = json.loads((CASES / case / "names.json").read_text())
    return names


def delivered(api: ApiClient, names: list[str]) -> OrderId:
    """An order of photos under these names, each of other bytes."""
    session_id = api.open_session()
    for number, name in enumerate(names):
        answer = api.send_photo(session_id, b"photo %d" % number, name)
        assert answer.json()["file_name"] == name
    order_id = api.shop.pay(session_id)
    api.shop.live(order_id)
    return order_id


def downloaded(api: ApiClient, order_id: OrderId) -> list[str]:
    """The name each photo is saved under."""
    token = api.shop.token(order_id)
    answers = [
        api.http.head(f"/api/download/{token}/{image_id}") for image_id in api.shop.order(order_id).images
    ]
    return [
        unquote(answer.headers["content-disposition"].rpartition("filename*=UTF-8''")[2])
        for answer in answers
    ]


@pytest.mark.parametrize("case", ["names-capitals", "names-number-prefix", "names-joiners"])
def test_each_photo_has_a_name_of_its_own_on_any_disk(api: ApiClient, case: str) -> None:
    names = names_of(case)
    order_id = delivered(api, names)
    saved = downloaded(api, order_id)
    assert len({unicodedata.normalize("NFC", name).casefold() for name in saved}) == len(names)


def test_joiners_are_kept_in_the_answer_on_the_pages_in_the_mail_and_at_the_download(api: ApiClient) -> None:
    names = names_of("names-joiners")
    order_id = delivered(api, names)
    token = api.shop.token(order_id)
    status = api.http.get(f"/api/restoration/status/{order_id}", headers=BROWSER).text
    album = api.http.get(f"/api/download/{token}/photos", headers=BROWSER).text
    for name, saved in zip(names, downloaded(api, order_id), strict=True):
        assert f'<bdi class="name">{name}</bdi>' in status
        assert f"<bdi>{name}</bdi>" in album
        assert saved == f"{name.removesuffix('.jpg')}-restored.png"


def test_an_emoji_that_is_newer_than_the_shop_is_kept(api: ApiClient) -> None:
    session_id = api.open_session()
    sent = api.http.post(
        f"/api/uploads/{session_id}/photos?filename={quote(chr(0x1FAE9))}.jpg",
        content=b"photo",
        headers={"Content-Type": "application/octet-stream"},
    )
    assert sent.json()["file_name"] == f"{chr(0x1FAE9)}.jpg"
