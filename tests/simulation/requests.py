"""HTTP without a network: requests go to the production application through ASGI.

All requests to one life of the API process share its event loop, as in production.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, cast
from urllib.parse import unquote

from litestar import Litestar

from entrypoints.bootstrap.container import Container
from entrypoints.http import create_app
from tests.simulation.process_loop import ProcessLoop
from tests.simulation.scheduler import Process, Scheduler


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


class Server(Protocol):
    """What answers requests: the application, or services alone."""

    def open(self, shop: object) -> None:
        """Serve another shop from now on."""

    def ask(
        self,
        scheduler: Scheduler,
        process: Process,
        method: str,
        target: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request to the process, and return its whole answer."""


class ApplicationServer(Server):
    """The production application in front of the shop that is open now.

    It is built once, because building it is slow.
    """

    def __init__(self) -> None:
        self._shop: object = None
        self._app: Litestar = create_app(cast("Container", self))
        self._loop: ProcessLoop | None = None

    def open(self, shop: object) -> None:
        """Serve another shop from now on."""
        self._shop = shop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shop, name)

    def ask(
        self,
        scheduler: Scheduler,
        process: Process,
        method: str,
        target: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request to the process, and return its whole answer."""
        path, _, query = target.partition("?")
        answer: dict[str, Any] = {"status": 0, "headers": {}, "body": b"", "is_whole": False}
        loop = self._loop_of(scheduler, process)
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
        return Answer(**answer)

    def _loop_of(self, scheduler: Scheduler, process: Process) -> ProcessLoop:
        if self._loop is None or not self._loop.is_of(process):
            if self._loop is not None:
                self._loop.abandon()
            self._loop = ProcessLoop(scheduler, process)
        return self._loop


@cache
def application_server() -> ApplicationServer:
    """The one instance of this process."""
    return ApplicationServer()
