"""A shop's end of the line: keeps every webhook it gets, and answers as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from tests.sandbox.processes import eventually


@dataclass(frozen=True)
class Received:
    """One webhook as it came in."""

    path: str
    body: bytes
    headers: dict[str, str]
    answered: int

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class WebhookReceiver:
    """Collects; `answers` holds the next status codes, after which it is 200 for ever."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.answers.pop(0) if receiver.answers else 200
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(self.path, body, headers, status))
                self.send_response(status)
                if status in {301, 302, 307}:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def all(self, event_type: str) -> list[Received]:
        return [one for one in list(self.received) if one.json["type"] == event_type]

    def wait_for(self, event_type: str, count: int = 1) -> list[Received]:
        """Return what came of this type as soon as there are so many."""
        return eventually(lambda: found if len(found := self.all(event_type)) >= count else [])

    def forget(self) -> None:
        self.received.clear()
        self.answers.clear()

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.01)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def listening() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    thread = threading.Thread(target=receiver.serve)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.close()
        thread.join()
