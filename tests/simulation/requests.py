"""HTTP without a network: requests go to the production application through ASGI, on the greenlet of whoever asks."""

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
    """Nothing ever comes from outside; what waits all the same would wait for ever."""

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise AssertionError("The answer waits for something that nobody brings.")
        return []


class GreenletLoop(BaseEventLoop):
    """An event loop for one request: threads are the greenlet itself, and time is the simulation's."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        super().__init__()
        self._selector = _NoSelector()
        self._seconds = seconds

    def time(self) -> float:
        return self._seconds()

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Future[Any]:  # type: ignore[override]
        """Do it here and now, whatever executor is asked for."""
        del executor
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 -- as a thread would, to whoever awaits it
            future.set_exception(error)
        return future

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Drive a coroutine to its end, with all that it started."""
        asyncio._set_running_loop(self)  # noqa: SLF001 -- documented for whoever implements an event loop
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
        """Nothing to close: there is no selector and no socket, and a request that died never comes to an end."""

    def _process_events(self, events: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody else is awake to be told."""


async def _here(func: Callable[..., Any], *args: Any, **_: Any) -> Any:
    """What a handler hands to a thread is done on the spot."""
    return func(*args)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_whole: bool  # false when it was broken off

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class Doorway:
    """The production application before whatever shop is open now; it is built once, for building it takes long."""

    def __init__(self) -> None:
        self._shop: object = None
        self._app: Litestar = create_app(cast("Container", self))
        self._idle: list[GreenletLoop] = []
        self._seconds: Callable[[], float] = lambda: 0.0

    def open(self, shop: object, seconds: Callable[[], float]) -> None:
        """Stand before another shop from now on."""
        self._shop, self._seconds = shop, seconds

    def _time(self) -> float:
        """In whatever world is open now: loops are used again."""
        return self._seconds()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shop, name)

    def ask(
        self, method: str, target: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request and its whole answer."""
        path, _, query = target.partition("?")
        answer: dict[str, Any] = {"status": 0, "headers": {}, "body": b"", "is_whole": False}
        loop = self._idle.pop() if self._idle else GreenletLoop(self._time)
        is_read = False

        async def receive() -> dict[str, Any]:
            nonlocal is_read
            if is_read:
                await loop.create_future()  # the client stays until it has its answer
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
def doorway() -> Doorway:
    """The one of this process."""
    return Doorway()


@contextmanager
def threads_are_greenlets() -> Iterator[None]:
    """What handlers hand to threads is done on the spot, for as long as the block takes."""
    with mock.patch.object(anyio.to_thread, "run_sync", _here):
        yield
