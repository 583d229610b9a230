"""A webhook receiver that records and answers as configured."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from tests.waiting import eventually


@dataclass(frozen=True)
class Received:
    body: bytes
    headers: dict[str, str]
    answered: int

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class WebhookReceiver:
    """One address; `answers` has the next status codes, then 200."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[Received] = []
        self.answers: list[int] = []

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        status = self.answers.pop(0) if self.answers else 200
        self.received.append(Received(body, headers, status))
        return status

    def all(self, event_type: str) -> list[Received]:
        return [one for one in list(self.received) if one.json["type"] == event_type]

    def wait_for(self, event_type: str, count: int = 1) -> list[Received]:
        """Return the webhooks of a type once there are so many."""
        return eventually(lambda: found if len(found := self.all(event_type)) >= count else [])


class ReceivingServer:
    """Give every test an address, so that webhooks stay apart."""

    def __init__(self) -> None:
        self._receivers: dict[str, WebhookReceiver] = {}
        self._numbers = itertools.count(1)
        receivers = self._receivers

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = receivers[self.path].take(body, headers)
                self.send_response(status)
                if status in {301, 302, 307}:
                    self.send_header("Location", self.path)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def new_receiver(self) -> WebhookReceiver:
        path = f"/hooks/{next(self._numbers)}"
        receiver = WebhookReceiver(f"http://127.0.0.1:{self._server.server_port}{path}")
        self._receivers[path] = receiver
        return receiver

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.01)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def receiving() -> Iterator[ReceivingServer]:
    server = ReceivingServer()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()
