"""An HTTP server whose behaviour each test defines."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Manner = Callable[["RogueHandler"], None]


class RogueHandler(BaseHTTPRequestHandler):
    """Pass each request to the behaviour set for its method."""

    protocol_version = "HTTP/1.1"
    server: "RogueServer"

    def _behave(self) -> None:
        self.server.seen.append(self)
        self.server.manners[self.command](self)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _behave  # noqa: N815 - http.server's words

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send a complete answer; header names are written with underscores."""
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def read_body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def hang_up(self) -> None:
        """Close the connection without an answer."""
        self.close_connection = True

    def hang(self) -> None:
        """Send nothing until the test is over."""
        self.server.is_over.wait()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class RogueServer(ThreadingHTTPServer):
    """Listen on a free port; ``manners`` by method."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), RogueHandler)
        self.manners: dict[str, Manner] = {}
        self.seen: list[RogueHandler] = []
        self.is_over = threading.Event()
        self.host = f"127.0.0.1:{self.server_port}"
        self.url = f"http://{self.host}"

    def handle_error(self, *_: object) -> None:
        """Ignore clients that disconnected."""


@contextmanager
def rogue_server() -> Iterator[RogueServer]:
    with RogueServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.is_over.set()
            server.shutdown()
            thread.join()
