"""Caddy, as the compose file starts it, in front of a server."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import httpx2
import pytest

from sandbox.ports import HOST, listening_socket
from sandbox.processes import Process
from sandbox.services.wheels import CLEAN_ENVIRONMENT

CADDYFILE = Path(__file__).parents[2] / "deploy/caddy/Caddyfile"
CADDY = shutil.which("caddy")
PATIENCE_SECONDS = 30.0

pytestmark = pytest.mark.skipif(
    CADDY is None, reason="Caddy is not installed (Debian: apt-get install caddy)"
)


class Api(ThreadingHTTPServer):
    """Answers as the shop does, in pieces."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Answers)
        self.body_begins = Event()
        self.second_event = Event()
        self.forwarded_for = ""


class _Answers(BaseHTTPRequestHandler):
    """Keeps what it sees on its server."""

    protocol_version = "HTTP/1.1"
    server: Api

    def do_POST(self) -> None:
        """Report the first byte, then read the rest."""
        self.server.forwarded_for = self.headers["X-Forwarded-For"]
        self.rfile.read(1)
        self.server.body_begins.set()
        self.rfile.read(int(self.headers["Content-Length"]) - 1)
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        """Send an event, and a second one when the test allows it."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: first\n\n")
        self.wfile.flush()
        assert self.server.second_event.wait(PATIENCE_SECONDS)
        self.wfile.write(b"data: second\n\n")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 -- the name it has there
        """Log nothing."""


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.second_event.set()
        server.shutdown()


def free_port() -> int:
    with listening_socket() as found:
        return int(found.getsockname()[1])


def environment(api_port: int, https_port: int, folder: Path) -> dict[str, str]:
    return {
        **CLEAN_ENVIRONMENT,
        "PUBLIC_URL": f"https://localhost:{https_port}",
        "API_ADDRESS": f"{HOST}:{api_port}",
        "PROXY_HTTP_PORT": str(free_port()),
        "PROXY_HEALTH_PORT": str(free_port()),
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "HOME": str(folder),
    }


@pytest.fixture
def port(api: Api, tmp_path: Path) -> Iterator[int]:
    """Where Caddy ends TLS with a certificate of its own."""
    https_port = free_port()
    given = environment(api.server_port, https_port, tmp_path)
    argv = [str(CADDY), "run", "--adapter", "caddyfile", "--config", str(CADDYFILE)]
    with Process.start("Caddy", argv, log=tmp_path / "caddy.log", env=given) as caddy:
        health = f"http://{HOST}:{given['PROXY_HEALTH_PORT']}/health/live"
        caddy.wait_until(lambda: answers(health), PATIENCE_SECONDS)
        yield https_port


def answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=5, trust_env=False).is_success
    except httpx2.TransportError:
        return False


def connected(port: int) -> ssl.SSLSocket:
    """Return a connection that does not ask who signed the certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection((HOST, port), PATIENCE_SECONDS)
    return context.wrap_socket(plain, server_hostname="localhost")


def test_caddy_accepts_the_file(tmp_path: Path) -> None:
    argv = [str(CADDY), "validate", "--adapter", "caddyfile", "--config", str(CADDYFILE)]
    given = environment(8000, 443, tmp_path)
    checked = subprocess.run(argv, env=given, capture_output=True, text=True, check=False)  # noqa: S603
    assert checked.returncode == 0, checked.stderr


def test_a_body_goes_on_while_it_arrives_and_says_who_sent_it(api: Api, port: int) -> None:
    with closing(connected(port)) as client:
        head = f"POST /api/uploads HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 200000\r\n\r\n"
        client.sendall(head.encode() + b"x" * 100_000)
        assert api.body_begins.wait(PATIENCE_SECONDS), "half a body has not reached the API"
        client.sendall(b"x" * 100_000)
        answer = client.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 201")
    assert "strict-transport-security: max-age=31536000" in answer.lower()
    assert api.forwarded_for == HOST


def test_events_reach_the_browser_at_once(api: Api, port: int) -> None:
    with closing(connected(port)) as client:
        client.sendall(f"GET /api/orders/1/events HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        received = b""
        while b"first" not in received:
            received += client.recv(65536)
        assert b"second" not in received
        api.second_event.set()
        while b"second" not in received:
            received += client.recv(65536)


def test_it_keeps_no_log_of_addresses(api: Api, port: int, tmp_path: Path) -> None:
    api.second_event.set()
    with closing(connected(port)) as client:
        client.sendall(f"GET /api/download/canary HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        assert client.recv(65536)
    assert "canary" not in (tmp_path / "caddy.log").read_text()
