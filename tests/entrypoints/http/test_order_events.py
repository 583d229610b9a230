"""Events of an order: their content, duration and number."""

import asyncio
import json
import re
import signal
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any
from uuid import UUID, uuid4

import pytest
from litestar import Litestar

from domain.order.states import State
from domain.order.values import OrderId
from domain.ports.errors import UnavailableError
from entrypoints.http import create_app, event_stream, order_streams
from entrypoints.http.errors import TooManyStreamsError
from entrypoints.http.server import DRAIN_SECONDS
from tests.entrypoints.http.test_server import PROGRAM, serving
from tests.entrypoints.support.http_fixtures import PORTRAIT, ApiClient, HttpShop, assert_problem, post_scope


@pytest.fixture(autouse=True)
def polls_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_streams, "POLL_SECONDS", 0.01)


class Reader:
    """A client of a stream, on the test's event loop."""

    def __init__(
        self, app: Litestar, order_id: OrderId, *, client: str = "203.0.113.7", **headers: str
    ) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.text = ""
        self.has_ended = False
        self._arrived = asyncio.Condition()
        self._leaving = asyncio.Event()
        scope = post_scope(f"/api/orders/{order_id}/events", "") | {"method": "GET", "client": (client, 1)}
        scope["headers"] = [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ]
        self.task = asyncio.create_task(self._run(app, scope))

    async def _run(self, app: Litestar, scope: Any) -> None:
        await app(scope, self._receive, self._send)  # type: ignore[arg-type]
        self.has_ended = True
        async with self._arrived:
            self._arrived.notify_all()

    async def _receive(self) -> dict[str, Any]:
        await self._leaving.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        async with self._arrived:
            if message["type"] == "http.response.start":
                self.status, self.headers = message["status"], dict(message["headers"])
            else:
                self.text += message["body"].decode()
            self._arrived.notify_all()

    async def until(self, holds: Callable[["Reader"], object]) -> None:
        async with asyncio.timeout(10), self._arrived:
            await self._arrived.wait_for(lambda: holds(self))

    async def ended(self) -> None:
        await self.until(lambda reader: reader.has_ended)

    async def leave(self) -> None:
        self._leaving.set()
        await self.ended()

    @property
    def statuses(self) -> list[tuple[int, dict[str, Any]]]:
        """The events that arrived: id and data."""
        events = re.findall(r"id: (\d+)\r\nevent: status\r\ndata: (.*)\r\n\r\n", self.text)
        return [(int(version), json.loads(data)) for version, data in events]


def reading(test: Callable[[HttpShop, Litestar], Awaitable[None]]) -> None:
    """Run a test on a shop with streams of its own."""
    shop = HttpShop()
    asyncio.run(test(shop, create_app(shop)))  # type: ignore[arg-type]


def test_a_stream_begins_with_the_status_and_goes_on_with_each_change() -> None:
    async def test(shop: HttpShop, app: Litestar) -> None:
        order_id = shop.pay(shop.upload(PORTRAIT))
        reader = Reader(app, order_id)
        await reader.until(lambda reader: len(reader.statuses) == 1)
        assert reader.status == 200
        assert reader.headers[b"content-type"] == b"text/event-stream; charset=utf-8"
        assert reader.headers[b"cache-control"] == b"private, no-store"
        assert reader.text.startswith("retry: 3000\r\n\r\n")
        shop.work()
        await reader.until(lambda reader: len(reader.statuses) == 2)
        (first, before), (second, after) = reader.statuses
        assert (first, second) == (1, shop.order(order_id).version)
        assert (before["state"], after["state"]) == (State.PAID, shop.order(order_id).state)
        assert before != after
        assert not reader.has_ended
        await reader.leave()

    reading(test)


def test_the_data_is_the_status_document(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    answer = api.http.get(f"/api/orders/{order_id}/events")
    (document,) = re.findall(r"data: (.*)\r\n", answer.text)
    assert json.loads(document) == api.http.get(f"/api/restoration/status/{order_id}").json()


def test_a_client_that_comes_back_gets_only_what_is_newer() -> None:
    async def test(shop: HttpShop, app: Litestar) -> None:
        order_id = shop.pay(shop.upload(PORTRAIT))
        reader = Reader(app, order_id, last_event_id="1")
        await reader.until(lambda reader: reader.text)
        shop.work()
        await reader.until(lambda reader: reader.statuses)
        assert [version for version, _ in reader.statuses] == [shop.order(order_id).version]
        await reader.leave()

    reading(test)


@pytest.mark.parametrize("given", ["", "later", "-1", "9" * 40, "1.5"])
def test_an_unknown_last_event_gets_the_current_status(api: ApiClient, given: str) -> None:
    order_id = api.shop.delivered()
    answer = api.http.get(f"/api/orders/{order_id}/events", headers={"Last-Event-ID": given})
    assert answer.text.count("event: status") == 1


def test_a_stream_ends_once_the_order_is_over_and_is_not_opened_again(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    path, version = f"/api/orders/{order_id}/events", api.shop.order(order_id).version
    assert api.http.get(path).text.endswith("\r\n\r\n")
    again = api.http.get(path, headers={"Last-Event-ID": str(version)})
    assert (again.status_code, again.content) == (204, b"")


def test_an_unknown_order_has_no_events(api: ApiClient) -> None:
    assert_problem(api.http.get(f"/api/orders/{uuid4()}/events"), 404, "order-unknown")


def test_a_quiet_stream_is_kept_alive_and_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "KEEP_ALIVE_SECONDS", 0.01)
    monkeypatch.setattr(event_stream, "STREAM_SECONDS", 0.1)

    async def test(shop: HttpShop, app: Litestar) -> None:
        reader = Reader(app, shop.pay(shop.upload(PORTRAIT)))
        await reader.ended()
        assert reader.text.count(": still here\r\n\r\n") >= 2
        assert len(reader.statuses) == 1

    reading(test)


def test_streams_are_limited_by_client_and_in_total() -> None:
    async def test(shop: HttpShop, _: Litestar) -> None:
        streams = order_streams.OrderStreams(lambda: shop.queries, max_by_client=2, max_in_total=3)
        order_id = shop.pay(shop.upload(PORTRAIT))
        latest = await streams.version(order_id)
        assert latest is not None
        mine = [streams.open(order_id, "mine", latest) for _ in range(2)]
        with pytest.raises(TooManyStreamsError):
            streams.open(order_id, "mine", latest)
        yours = streams.open(order_id, "yours", latest)
        with pytest.raises(TooManyStreamsError):
            streams.open(order_id, "another", latest)
        for watch in [*mine, yours]:
            streams.close(watch)
        streams.close(streams.open(order_id, "mine", latest))

    reading(test)


def test_a_client_with_too_many_streams_gets_a_retry_time() -> None:
    async def test(shop: HttpShop, app: Litestar) -> None:
        order_id = shop.pay(shop.upload(PORTRAIT))
        readers = [Reader(app, order_id) for _ in range(order_streams.MAX_BY_CLIENT)]
        for reader in readers:
            await reader.until(lambda reader: reader.statuses)
        refused, other = Reader(app, order_id), Reader(app, order_id, client="198.51.100.1")
        await refused.ended()
        assert (refused.status, refused.headers[b"retry-after"]) == (429, b"60")
        await other.until(lambda reader: reader.statuses)
        for reader in [*readers, other]:
            await reader.leave()
        later = Reader(app, order_id)
        await later.until(lambda reader: reader.statuses)
        await later.leave()

    reading(test)


def test_many_streams_of_an_order_read_it_once_per_change() -> None:
    async def test(shop: HttpShop, app: Litestar) -> None:
        order_id = shop.pay(shop.upload(PORTRAIT))
        reads: list[OrderId] = []
        history = shop.queries.history

        def read(order_id: OrderId) -> Any:
            reads.append(order_id)
            return history(order_id)

        shop.queries.history = read  # type: ignore[method-assign]
        readers = [Reader(app, order_id) for _ in range(10)]
        for reader in readers:
            await reader.until(lambda reader: reader.statuses)
        assert len(reads) == 1
        for reader in readers:
            await reader.leave()

    reading(test)


def test_an_outage_of_the_database_ends_no_stream() -> None:
    async def test(shop: HttpShop, app: Litestar) -> None:
        order_id = shop.pay(shop.upload(PORTRAIT))
        reader = Reader(app, order_id)
        await reader.until(lambda reader: reader.statuses)
        versions, asked = shop.queries.versions, asyncio.Event()
        loop = asyncio.get_running_loop()

        def fail(order_ids: Collection[OrderId]) -> Any:
            del order_ids
            loop.call_soon_threadsafe(asked.set)
            raise UnavailableError("PostgreSQL", "is away")

        shop.queries.versions = fail  # type: ignore[method-assign]
        await asyncio.wait_for(asked.wait(), 10)
        shop.queries.versions = versions  # type: ignore[method-assign]
        shop.work()
        await reader.until(lambda reader: len(reader.statuses) == 2)
        await reader.leave()

    reading(test)


def test_a_process_that_stops_ends_its_streams_at_once() -> None:
    paid = PROGRAM.replace("create_app(HttpShop())", "create_app(paid())").replace(
        "arguments = json",
        "def paid():\n    shop = HttpShop()\n    shop.pay(shop.upload(b'portrait'))\n"
        "    return shop\n\narguments = json",
        1,
    )
    with (
        serving(program=paid) as (process, http),
        http.stream("GET", f"/api/orders/{UUID(int=2)}/events") as answer,
    ):
        arriving = answer.iter_text()
        assert "event: status" in next(arriving) + next(arriving)
        stopped_at = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert list(arriving) == []
        assert process.wait(timeout=10) == 0
        assert time.monotonic() - stopped_at < DRAIN_SECONDS
