import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.model import events as e
from domain.model.values import ObjectKey, OrderId
from domain.ports.errors import UnavailableError
from entrypoints.http.files import disposition
from tests.doubles.storage import CHUNK_BYTES, MemoryStore
from tests.entrypoints.http_fixtures import (
    BROWSER,
    PORTRAIT,
    Doorway,
    HttpShop,
    application,
    assert_problem,
)


def openings(door: Doorway, order_id: OrderId) -> list[e.Event]:
    return [event for event in door.shop.events(order_id) if isinstance(event, e.ResultDownloaded)]


def test_the_link_gives_the_archive_under_its_name(door: Doorway) -> None:
    order_id = door.shop.delivered()
    link = door.shop.order(order_id).newest_link
    assert link is not None
    answer = door.http.get(f"/api/download/{door.shop.token(order_id)}")
    assert answer.status_code == 200
    assert answer.content == door.shop.storage.objects[link.archive.key]
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.headers["content-type"] == "application/zip"
    assert 'filename="restored-photos-20260314-000001.zip"' in answer.headers["content-disposition"]
    assert answer.headers["etag"] == f'"{link.archive.sha256}"'
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert len(openings(door, order_id)) == 1


def test_the_link_gives_each_restored_image(door: Doorway) -> None:
    order_id = door.shop.delivered()
    (image,) = door.shop.order(order_id).restored_images
    answer = door.http.get(f"/api/download/{door.shop.token(order_id)}/{image.image_id}")
    assert answer.content == b"restored " + PORTRAIT
    assert answer.headers["content-type"] == "image/png"
    assert "great-aunt-1-restored.png" in answer.headers["content-disposition"]


def test_a_file_of_many_chunks_comes_whole(door: Doorway) -> None:
    order_id = door.shop.delivered(bytes(range(256)) * (CHUNK_BYTES // 64) + b"the end")
    (image,) = door.shop.order(order_id).restored_images
    assert image.restored is not None
    answer = door.http.get(f"/api/download/{door.shop.token(order_id)}/{image.image_id}")
    assert answer.content == door.shop.storage.objects[image.restored.key]


def test_fetching_again_is_put_on_record_once(door: Doorway) -> None:
    order_id = door.shop.delivered()
    for _ in range(2):
        assert door.http.get(f"/api/download/{door.shop.token(order_id)}").status_code == 200
    assert len(openings(door, order_id)) == 1


def test_a_look_at_the_headers_is_no_opening(door: Doorway) -> None:
    order_id = door.shop.delivered()
    path = f"/api/download/{door.shop.token(order_id)}"
    looked = door.http.head(path)
    assert (looked.status_code, looked.content) == (200, b"")
    assert openings(door, order_id) == []
    fetched = door.http.get(path)
    assert {**looked.headers, "x-request-id": ""} == {**fetched.headers, "x-request-id": ""}


def test_the_token_of_one_order_opens_no_image_of_another(door: Doorway) -> None:
    mine, yours = door.shop.delivered(), door.shop.delivered(b"your grandfather")
    (image,) = door.shop.order(yours).restored_images
    answer = door.http.get(f"/api/download/{door.shop.token(mine)}/{image.image_id}")
    assert_problem(answer, 404, "link-unknown")
    assert openings(door, mine) == openings(door, yours) == []


@pytest.mark.parametrize("token", ["guessed", "A" * 43, "%00", "x" * 5000, "%F0%9F%96%BC"])
def test_a_token_nobody_made_opens_nothing(door: Doorway, token: str) -> None:
    door.shop.delivered()
    assert_problem(door.http.get(f"/api/download/{token}"), 404, "link-unknown")


def test_a_link_whose_time_is_over_says_so(door: Doorway) -> None:
    order_id = door.shop.delivered()
    door.shop.clock.advance(days=31)
    assert_problem(door.http.get(f"/api/download/{door.shop.token(order_id)}"), 410, "link-expired")


def test_a_person_who_follows_a_dead_link_reads_a_page(door: Doorway) -> None:
    order_id = door.shop.delivered()
    door.shop.clock.advance(days=31)
    for token, status, sentence in (
        (door.shop.token(order_id), 410, "Send me a new link"),
        ("<script>alert(1)", 404, "Open the newest link"),
    ):
        answer = door.http.get(f"/api/download/{token}", headers=BROWSER)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
        assert sentence in answer.text
        assert "<script" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_storage_that_is_away_is_told_before_the_answer_begins(door: Doorway) -> None:
    order_id = door.shop.delivered()
    path = f"/api/download/{door.shop.token(order_id)}"
    door.shop.storage.weather.fail("read", UnavailableError("The storage", "it restarts"))
    assert_problem(door.http.get(path), 503, "unavailable")
    assert openings(door, order_id) == []
    assert door.http.get(path).status_code == 200


def test_a_file_that_is_lost_is_our_mistake(door: Doorway) -> None:
    order_id = door.shop.delivered()
    door.shop.storage.objects.clear()
    answer = door.http.get(f"/api/download/{door.shop.token(order_id)}")
    assert_problem(answer, 500, "file-unavailable")
    assert "downloads/" not in answer.text


def test_the_customer_gets_the_file_even_if_that_cannot_be_recorded(
    door: Doorway, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = door.shop.delivered()

    def away(*_: object) -> None:
        raise UnavailableError("PostgreSQL", "it restarts")

    monkeypatch.setattr(door.shop.delivering, "note_opening", away)
    with capture_logs() as logs:
        answer = door.http.get(f"/api/download/{door.shop.token(order_id)}")
    assert len(answer.content) == int(answer.headers["content-length"])
    assert "download_not_recorded" in [line["event"] for line in logs]


class Receiver:
    """A client that hangs up after so many chunks, or never."""

    def __init__(self, *, leaves_after: int | None) -> None:
        self.body = b""
        self._leaves_after = leaves_after
        self._chunks = 0
        self._has_left = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self._has_left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.body += message.get("body", b"")
        self._chunks += message["type"] == "http.response.body"
        if self._chunks == self._leaves_after:
            self._has_left.set()
            await asyncio.sleep(0)  # the watcher's turn

    async def get(self, shop: HttpShop, path: str) -> None:
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [],
            "http_version": "1.1",
            "scheme": "http",
        }
        await application(shop)(scope, self.receive, self.send)  # type: ignore[arg-type]


def test_a_customer_who_leaves_half_way_has_fetched_nothing(door: Doorway) -> None:
    order_id = door.shop.delivered(bytes(5 * CHUNK_BYTES))
    (image,) = door.shop.order(order_id).restored_images
    path = f"/api/download/{door.shop.token(order_id)}/{image.image_id}"
    leaving = Receiver(leaves_after=2)
    asyncio.run(leaving.get(door.shop, path))
    assert len(leaving.body) < 5 * CHUNK_BYTES
    assert openings(door, order_id) == []
    staying = Receiver(leaves_after=None)
    asyncio.run(staying.get(door.shop, path))
    assert len(openings(door, order_id)) == 1


class BreakingStore(MemoryStore):
    """A storage that dies while it is read."""

    @contextmanager
    def read(self, _: ObjectKey) -> Iterator[Iterator[bytes]]:
        yield self._beginning()

    def _beginning(self) -> Iterator[bytes]:
        yield b"the beginning"
        raise UnavailableError("The storage", "it died")


def test_a_file_that_breaks_off_half_way_is_not_told_as_fetched(door: Doorway) -> None:
    order_id = door.shop.delivered()
    door.shop.storage = BreakingStore()
    receiver = Receiver(leaves_after=None)
    with capture_logs() as logs:
        asyncio.run(receiver.get(door.shop, f"/api/download/{door.shop.token(order_id)}"))
    assert receiver.body == b"the beginning"
    assert "response_broken_off" in [line["event"] for line in logs]
    assert openings(door, order_id) == []


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.zip", "attachment; filename=\"a.zip\"; filename*=UTF-8''a.zip"),
        ("Käthe.jpg", "attachment; filename=\"K_the.jpg\"; filename*=UTF-8''K%C3%A4the.jpg"),
        ('a"b\\c.jpg', "attachment; filename=\"a_b_c.jpg\"; filename*=UTF-8''a%22b%5Cc.jpg"),
        ("a\r\nb", "attachment; filename=\"a__b\"; filename*=UTF-8''a%0D%0Ab"),
    ],
)
def test_a_file_name_cannot_break_out_of_its_header(name: str, header: str) -> None:
    assert disposition(name) == header
