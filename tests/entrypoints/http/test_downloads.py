import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin

import pytest
from structlog.testing import capture_logs

from domain.order import events as e
from domain.order.values import Browser, Client, Device, OrderId
from domain.ports.errors import UnavailableError
from entrypoints.http.clients import device_of, network_of
from entrypoints.http.file_responses import disposition
from tests.doubles.object_storage import CHUNK_BYTES, InMemoryStorage
from tests.entrypoints.support.http_fixtures import (
    BROWSER,
    FIREFOX,
    PORTRAIT,
    SCANNER,
    ApiClient,
    HttpShop,
    application,
    assert_problem,
)


def served(api: ApiClient, order_id: OrderId) -> list[e.ResultServed]:
    return [event for event in api.shop.events(order_id) if isinstance(event, e.ResultServed)]


def fetched(api: ApiClient, order_id: OrderId) -> list[e.ResultDownloaded]:
    return [event for event in api.shop.events(order_id) if isinstance(event, e.ResultDownloaded)]


def test_the_link_gives_the_archive_under_its_name(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    link = api.shop.order(order_id).newest_link
    assert link is not None
    answer = api.http.get(f"/api/download/{api.shop.token(order_id)}")
    assert answer.status_code == 200
    assert answer.content == api.shop.storage.objects[link.archive.key]
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.headers["content-type"] == "application/zip"
    assert 'filename="restored-photos-20260314-000001.zip"' in answer.headers["content-disposition"]
    assert answer.headers["etag"] == f'"{link.archive.sha256}"'
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert len(served(api, order_id)) == 1


def test_the_link_gives_each_restored_image(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    (image,) = api.shop.order(order_id).restored_images
    answer = api.http.get(f"/api/download/{api.shop.token(order_id)}/{image.image_id}")
    assert answer.content == b"restored " + PORTRAIT
    assert answer.headers["content-type"] == "image/png"
    assert "great-aunt-1-restored.png" in answer.headers["content-disposition"]


def test_a_file_of_many_chunks_comes_whole(api: ApiClient) -> None:
    order_id = api.shop.delivered(bytes(range(256)) * (CHUNK_BYTES // 64) + b"the end")
    (image,) = api.shop.order(order_id).restored_images
    assert image.restored is not None
    answer = api.http.get(f"/api/download/{api.shop.token(order_id)}/{image.image_id}")
    assert answer.content == api.shop.storage.objects[image.restored.key]


def test_a_file_that_is_sent_again_is_on_record_once(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    for _ in range(2):
        assert api.http.get(f"/api/download/{api.shop.token(order_id)}").status_code == 200
    assert len(served(api, order_id)) == 1


def test_a_look_at_the_headers_is_no_opening(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    path = f"/api/download/{api.shop.token(order_id)}"
    looked = api.http.head(path)
    assert (looked.status_code, looked.content) == (200, b"")
    assert served(api, order_id) == []
    fetched = api.http.get(path)
    assert {**looked.headers, "x-request-id": ""} == {**fetched.headers, "x-request-id": ""}


def test_the_token_of_one_order_opens_no_image_of_another(api: ApiClient) -> None:
    mine, yours = api.shop.delivered(), api.shop.delivered(b"your grandfather")
    (image,) = api.shop.order(yours).restored_images
    answer = api.http.get(f"/api/download/{api.shop.token(mine)}/{image.image_id}")
    assert_problem(answer, 404, "link-unknown")
    assert served(api, mine) == served(api, yours) == []


@pytest.mark.parametrize("token", ["guessed", "A" * 43, "%01", "x" * 5000, "%F0%9F%96%BC"])
def test_a_forged_token_opens_nothing(api: ApiClient, token: str) -> None:
    api.shop.delivered()
    assert_problem(api.http.get(f"/api/download/{token}"), 404, "link-unknown")


def test_a_link_whose_time_is_over_says_so(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    api.shop.clock.advance(days=31)
    assert_problem(api.http.get(f"/api/download/{api.shop.token(order_id)}"), 410, "link-expired")


def test_a_person_who_follows_a_dead_link_reads_a_page(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    api.shop.clock.advance(days=31)
    for token, status, sentence in (
        (api.shop.token(order_id), 410, "Send me a new link"),
        ("<script>alert(1)", 404, "Open the newest link"),
    ):
        answer = api.http.get(f"/api/download/{token}", headers=BROWSER)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
        assert sentence in answer.text
        assert "<script" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_an_unreachable_storage_is_reported_before_the_answer_begins(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    path = f"/api/download/{api.shop.token(order_id)}"
    api.shop.storage.fault_injector.fail("read", UnavailableError("The storage", "it restarts"))
    assert_problem(api.http.get(path), 503, "unavailable")
    assert served(api, order_id) == []
    assert api.http.get(path).status_code == 200


def test_a_file_that_is_lost_is_our_mistake(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    api.shop.storage.objects.clear()
    answer = api.http.get(f"/api/download/{api.shop.token(order_id)}")
    assert_problem(answer, 500, "file-unavailable")
    assert "downloads/" not in answer.text


def test_the_customer_gets_the_file_even_if_that_cannot_be_recorded(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = api.shop.delivered()

    def unavailable(*_: object) -> None:
        raise UnavailableError("PostgreSQL", "it restarts")

    monkeypatch.setattr(api.shop.downloads, "record_served", unavailable)
    with capture_logs() as logs:
        answer = api.http.get(f"/api/download/{api.shop.token(order_id)}")
    assert len(answer.content) == int(answer.headers["content-length"])
    assert "download_not_recorded" in [line["event"] for line in logs]


@pytest.mark.parametrize("method", ["get", "head"])
def test_following_a_link_with_whatever_client_is_no_fetch(api: ApiClient, method: str) -> None:
    order_id = api.shop.delivered()
    token = api.shop.token(order_id)
    (image,) = api.shop.order(order_id).images
    for headers in ({}, BROWSER, {"User-Agent": SCANNER}):
        for what in ("", "/photos", "/archive", f"/{image}"):
            api.http.request(method, f"/api/download/{token}{what}", headers=headers, follow_redirects=True)
    assert fetched(api, order_id) == []
    assert {event.image_id for event in served(api, order_id)} == (
        {None, image} if method == "get" else set()
    )


def test_a_browser_is_led_from_an_old_mails_link_to_the_page(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    link = f"/api/download/{api.shop.token(order_id)}"
    answer = api.http.get(link, headers=BROWSER, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert urljoin(link, answer.headers["location"]) == f"{link}/photos"


@pytest.mark.parametrize("what", ["archive", "{image}", "{image}?earlier=0"])
def test_a_press_of_the_button_is_a_fetch_and_leads_to_the_file(api: ApiClient, what: str) -> None:
    order_id = api.shop.delivered()
    (image,) = api.shop.order(order_id).images
    address = f"/api/download/{api.shop.token(order_id)}/{what.format(image=image)}"
    for _ in range(2):
        pressed = api.http.post(address, headers={**BROWSER, "User-Agent": FIREFOX}, follow_redirects=False)
        assert pressed.status_code == 303
        file = api.http.get(urljoin(address, pressed.headers["location"]), headers=BROWSER)
        assert "attachment" in file.headers["content-disposition"]
    (event,) = fetched(api, order_id)
    assert event.image_id == (None if what == "archive" else image)
    assert event.client == Client(network=None, device=Device.DESKTOP, browser=Browser.FIREFOX)
    assert len(served(api, order_id)) == 1


def test_the_button_leads_to_an_earlier_result(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    (image,) = api.shop.order(order_id).images
    address = f"/api/download/{api.shop.token(order_id)}/{image}"
    assert_problem(api.http.post(f"{address}?earlier=1"), 404, "link-unknown")
    assert fetched(api, order_id) == []


def test_the_button_of_a_link_whose_time_is_over_fetches_nothing(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    api.shop.clock.advance(days=31)
    answer = api.http.post(f"/api/download/{api.shop.token(order_id)}/archive", headers=BROWSER)
    assert (answer.status_code, "Send me a new link" in answer.text) == (410, True)
    assert fetched(api, order_id) == []


def test_neither_address_nor_user_agent_is_on_record(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    api.http.get(f"/api/download/{api.shop.token(order_id)}/archive", headers={"User-Agent": FIREFOX})
    (event,) = served(api, order_id)
    assert "Mozilla" not in repr(event)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1931:77::1", "2001:db8:1931::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("testclient", None),
        ("", None),
        (None, None),
    ],
)
def test_of_an_address_only_the_network_is_kept(address: str | None, network: str | None) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (FIREFOX, Device.DESKTOP),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) Version/17.4 Mobile/15E148 Safari/604.1",
            Device.PHONE,
        ),
        (
            "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/124.0 Mobile Safari/537.36",
            Device.PHONE,
        ),
        (
            "Mozilla/5.0 (Linux; Android 14; SM-X910) AppleWebKit/537.36 Chrome/124.0 Safari/537.36",
            Device.TABLET,
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) Version/16.6 Mobile/15E148 Safari/604.1",
            Device.TABLET,
        ),
        (SCANNER, Device.SCANNER),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Device.SCANNER),
        ("Barracuda Sentinel (EE)", Device.SCANNER),
        ("curl/8.5.0", Device.PROGRAM),
        ("python-httpx2/1.0", Device.PROGRAM),
        ("Mozilla/5.0", Device.UNKNOWN),
        ("", Device.UNKNOWN),
        ("x" * 100_000, Device.PROGRAM),
    ],
)
def test_of_a_user_agent_only_the_kind_of_client_is_kept(user_agent: str, device: Device) -> None:
    assert device_of(user_agent) is device


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


def test_a_client_that_leaves_half_way_was_sent_nothing(api: ApiClient) -> None:
    order_id = api.shop.delivered(bytes(5 * CHUNK_BYTES))
    (image,) = api.shop.order(order_id).restored_images
    path = f"/api/download/{api.shop.token(order_id)}/{image.image_id}"
    leaving = Receiver(leaves_after=2)
    asyncio.run(leaving.get(api.shop, path))
    assert len(leaving.body) < 5 * CHUNK_BYTES
    assert served(api, order_id) == []
    staying = Receiver(leaves_after=None)
    asyncio.run(staying.get(api.shop, path))
    assert len(served(api, order_id)) == 1


class BreakingStore(InMemoryStorage):
    """A storage that dies while it is read."""

    @contextmanager
    def read(self, *_: Any, **__: Any) -> Iterator[Iterator[bytes]]:
        yield self._order_placement()

    def _order_placement(self) -> Iterator[bytes]:
        yield b"the beginning"
        raise UnavailableError("The storage", "it died")


def test_a_file_that_breaks_off_half_way_is_not_recorded_as_sent(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    api.shop.ports = replace(api.shop.ports, storage=BreakingStore())
    receiver = Receiver(leaves_after=None)
    with capture_logs() as logs:
        asyncio.run(receiver.get(api.shop, f"/api/download/{api.shop.token(order_id)}"))
    assert receiver.body == b"the beginning"
    assert "response_broken_off" in [line["event"] for line in logs]
    assert served(api, order_id) == []


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


@pytest.mark.parametrize("path", ["", "/archive", "/image"])
def test_a_download_is_resumed_where_it_broke_off_and_is_one_download(api: ApiClient, path: str) -> None:
    order_id = api.shop.delivered()
    (image_id,) = api.shop.order(order_id).images
    url = f"/api/download/{api.shop.token(order_id)}{path.replace('image', str(image_id))}"
    first = api.http.get(url, headers={"Range": "bytes=0-9"})
    assert (first.status_code, first.headers["accept-ranges"]) == (206, "bytes")
    assert served(api, order_id) == []
    rest = api.http.get(url, headers={"Range": "bytes=10-", "If-Range": first.headers["etag"]})
    whole = api.http.get(url)
    assert rest.status_code == 206
    assert rest.headers["content-range"] == f"bytes 10-{len(whole.content) - 1}/{len(whole.content)}"
    assert int(rest.headers["content-length"]) == len(rest.content)
    assert first.content + rest.content == whole.content
    assert rest.headers["content-disposition"] == whole.headers["content-disposition"]
    assert len(served(api, order_id)) == 1


def test_a_changed_file_is_sent_whole(api: ApiClient) -> None:
    url = f"/api/download/{api.shop.token(api.shop.delivered())}"
    answer = api.http.get(url, headers={"Range": "bytes=5-", "If-Range": '"another"'})
    assert answer.status_code == 200
    assert "content-range" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_download_that_accepts_no_other_file_is_not_resumed_with_one(api: ApiClient, method: str) -> None:
    order_id = api.shop.delivered()
    url = f"/api/download/{api.shop.token(order_id)}"
    etag = api.http.head(url).headers["etag"]
    answer = api.http.request(method, url, headers={"Range": "bytes=5-", "If-Match": '"another"'})
    assert answer.status_code == 412
    assert served(api, order_id) == []
    assert api.http.get(url, headers={"Range": "bytes=5-", "If-Match": etag}).status_code == 206


def test_a_part_beyond_the_end_is_refused_with_the_length(api: ApiClient) -> None:
    url = f"/api/download/{api.shop.token(api.shop.delivered())}"
    size_bytes = len(api.http.get(url).content)
    answer = api.http.get(url, headers={"Range": f"bytes={size_bytes}-"})
    assert_problem(answer, 416, "range-unsatisfiable")
    assert answer.headers["content-range"] == f"bytes */{size_bytes}"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_client_has_already_is_not_sent_again(api: ApiClient, method: str) -> None:
    order_id = api.shop.delivered()
    url = f"/api/download/{api.shop.token(order_id)}"
    etag = api.http.head(url).headers["etag"]
    answer = api.http.request(method, url, headers={"If-None-Match": etag, "Range": "bytes=0-1"})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert served(api, order_id) == []


def test_a_request_for_headers_returns_the_whole_length(api: ApiClient) -> None:
    url = f"/api/download/{api.shop.token(api.shop.delivered())}"
    answer = api.http.head(url, headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.headers["accept-ranges"]) == (200, "bytes")
    assert int(answer.headers["content-length"]) == len(api.http.get(url).content)
