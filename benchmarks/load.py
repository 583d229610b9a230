"""HTTP clients that cost little: plain sockets, kept open, one thread each."""

import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from benchmarks.threads import in_threads

_HEADER_END = b"\r\n\r\n"


def request_bytes(url: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return a POST request as it goes over the wire."""
    parts = urlsplit(url)
    lines = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}"]
    lines += ["Content-Type: application/json", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + _HEADER_END + body


def post_all(url: str, requests: Sequence[bytes], clients: int) -> list[float]:
    """Send each request once; return how many seconds each took.

    Raises AssertionError for any answer but a success.
    """
    waiting = iter(requests)
    seconds: list[float] = []
    parts = urlsplit(url)
    with _connections((parts.hostname or "", parts.port or 80), clients) as connections:

        def client(number: int) -> "Post":
            return Post(connections[number], waiting, seconds)

        in_threads(clients, len(requests), client)()
    return seconds


class Post:
    """Sends one of the waiting requests with each call."""

    def __init__(self, connection: socket.socket, waiting: Iterator[bytes], seconds: list[float]) -> None:
        self._connection = connection
        self._waiting = waiting
        self._seconds = seconds

    def __call__(self) -> None:
        """Send a request and read its answer."""
        request = next(self._waiting)
        began = time.perf_counter()
        self._connection.sendall(request)
        status = self._answer()
        self._seconds.append(time.perf_counter() - began)
        if not 200 <= status < 300:  # noqa: PLR2004 -- HTTP's successes
            raise AssertionError(f"The answer was {status}.")

    def _answer(self) -> int:
        received = b""
        while _HEADER_END not in received:
            received += self._received()
        head, _, body = received.partition(_HEADER_END)
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        missing = int(lengths[0].partition(b":")[2]) - len(body) if lengths else 0
        while missing > 0:
            missing -= len(self._received())
        return int(head.split(b" ", 2)[1])

    def _received(self) -> bytes:
        part = self._connection.recv(65536)
        if not part:
            raise AssertionError("The server closed the connection.")
        return part


@contextmanager
def _connections(address: tuple[str, int], number: int) -> Iterator[list[socket.socket]]:
    connections = [socket.create_connection(address, 30) for _ in range(number)]
    try:
        for connection in connections:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connections
    finally:
        for connection in connections:
            connection.close()
