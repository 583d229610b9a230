"""HTTP without a network: requests go to the production application through ASGI.

Each runs on the greenlet of the task that sends it.
"""

import asyncio
import json
from asyncio import BaseEventLoop, Future
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, cast
from unittest import mock
from urllib.parse import unquote

import anyio.to_thread
from litestar import Litestar

from entrypoints.bootstrap.container import Container
from entrypoints.http import create_app


class _NoSelector:
    """A selector without I/O.

    Raises AssertionError if a request waits for I/O, which would never arrive.
    """

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise AssertionError("The answer waits for I/O, which never arrives.")
        return []


class GreenletLoop(BaseEventLoop):
    """An event loop for one request, on a greenlet and virtual time."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        super().__init__()
        self._selector = _NoSelector()
        self._seconds = seconds

    def time(self) -> float:
        return self._seconds()

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Future[Any]:  # type: ignore[override]
        """Run the function at once, whatever executor is passed."""
        del executor
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 -- raised in the awaiting coroutine, as from a thread
            future.set_exception(error)
        return future

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Drive a coroutine, and all tasks it started, to the end."""
        asyncio._set_running_loop(self)  # noqa: SLF001 -- documented for implementers of event loops
        try:
            task = self.create_task(work)
            while not task.done():
                self._run_once()  # type: ignore[attr-defined]
            while self._ready:  # type: ignore[attr-defined]
                self._run_once()  # type: ignore[attr-defined]
            task.result()
        finally:
            asyncio._set_running_loop(None)  # noqa: SLF001 -- likewise

    def __del__(self) -> None:
        """Close nothing: there is no selector, and a dead request never ends."""

    def _process_events(self, events: list[Any]) -> None:
        """Process nothing: there are no I/O events."""

    def _write_to_self(self) -> None:
        """Wake nothing: no other thread runs this loop."""


async def _here(func: Callable[..., Any], *args: Any, **_: Any) -> Any:
    """Run at once what a handler hands to a thread."""
    return func(*args)


@dataclass(frozen=True)
class Answer:
    """A response of the shop."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_whole: bool  # false when the connection broke midway

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class ApplicationServer:
    """The production application in front of the shop that is open now.

    It is built once, because building it is slow.
    """

    def __init__(self) -> None:
        self._shop: object = None
        self._app: Litestar = create_app(cast("Container", self))
        self._idle: list[GreenletLoop] = []
        self._seconds: Callable[[], float] = lambda: 0.0

    def open(self, shop: object, seconds: Callable[[], float]) -> None:
        """Serve another shop from now on."""
        self._shop, self._seconds = shop, seconds

    def _time(self) -> float:
        """The time of the world that is open now: loops are reused."""
        return self._seconds()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shop, name)

    def ask(
        self, method: str, target: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request and return its whole answer."""
        path, _, query = target.partition("?")
        answer: dict[str, Any] = {"status": 0, "headers": {}, "body": b"", "is_whole": False}
        loop = self._idle.pop() if self._idle else GreenletLoop(self._time)
        is_read = False

        async def receive() -> dict[str, Any]:
            nonlocal is_read
            if is_read:
                await loop.create_future()  # the client stays connected until it has its answer
            is_read = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answer["status"] = message["status"]
                answer["headers"] = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                answer["body"] += message.get("body", b"")
                answer["is_whole"] = not message.get("more_body", False)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
            + [(b"content-length", str(len(body)).encode())],
            "client": ("127.0.0.1", 1),
            "server": ("shop.example", 80),
        }
        loop.run(self._app(scope, receive, send))  # type: ignore[arg-type]
        self._idle.append(loop)
        return Answer(**answer)


@cache
def application_server() -> ApplicationServer:
    """The one instance of this process."""
    return ApplicationServer()


@contextmanager
def threads_are_greenlets() -> Iterator[None]:
    """Run at once what handlers hand to threads, during the block."""
    with mock.patch.object(anyio.to_thread, "run_sync", _here):
        yield
