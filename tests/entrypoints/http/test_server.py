import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event

import httpx2
import pytest

from entrypoints.build_info import version
from entrypoints.http.server import CannotListenError, inherited, listen, url_of
from tests.entrypoints.support.http_fixtures import assert_problem
from tests.waiting import eventually

ROOT = Path(__file__).parents[3]
MEBIBYTE = 1024 * 1024

#: A shop of doubles in a process of its own; its last line is written when the caller has the shop back.
PROGRAM = """
import json
import sys
from entrypoints.http import bounded_protocol, create_app, malformed_requests, request_bodies, serve
from entrypoints.settings import Settings
from tests.entrypoints.support.http_fixtures import HttpShop

arguments = json.loads(sys.argv[1])
for module in (request_bodies, bounded_protocol, malformed_requests):
    vars(module).update({name: value for name, value in arguments["limits"].items() if name in vars(module)})
settings = Settings.model_construct(http_host="127.0.0.1", http_port=0, **arguments["settings"])
serve(create_app(HttpShop()), settings, fd=arguments["fd"])
print("the shop can be closed")
"""


@contextmanager
def serving(
    listener: socket.socket | None = None,
    *,
    program: str = PROGRAM,
    limits: Mapping[str, float] | None = None,
    **settings: object,
) -> Iterator[tuple[subprocess.Popen[str], httpx2.Client]]:
    """Run the program until the block ends; yield a client for it."""
    fds = [listener.fileno()] if listener else []
    arguments = json.dumps({"fd": fds[0] if fds else None, "settings": settings, "limits": limits or {}})
    command = [sys.executable, "-c", program, arguments]
    with subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, pass_fds=fds
    ) as process:
        assert process.stdout is not None
        try:
            url = json.loads(process.stdout.readline())["listening"]
            with httpx2.Client(base_url=url, trust_env=False, timeout=20) as http:
                yield process, http
        finally:
            process.kill()


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_logs_its_address_and_ends_on_a_signal(signal_number: signal.Signals) -> None:
    with serving() as (process, http):
        answer = http.get("/health/live")
        assert answer.json() == {"status": "ok", "version": version()}
        assert "server" not in answer.headers
        process.send_signal(signal_number)
        assert process.stdout is not None
        assert process.stdout.read().splitlines()[-1] == "the shop can be closed"
        assert process.wait(timeout=10) == 0


def test_a_new_connection_gets_its_answer_from_a_process_that_ends() -> None:
    with serving() as (process, http):
        address = (http.base_url.host, http.base_url.port or 0)

        def is_leaving() -> bool:
            try:
                socket.create_connection(address).close()
            except ConnectionRefusedError:
                return True
            return False

        with socket.create_connection(address, timeout=10) as connection:
            assert http.get("/health/live").is_success, "the earlier connection is accepted by now"
            process.send_signal(signal.SIGTERM)
            eventually(is_leaving, "the end of the listener")
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: shop\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 200"), answer
        assert process.wait(timeout=10) == 0


@pytest.fixture(scope="module")
def inherited_listener() -> Iterator[socket.socket]:
    with listen("127.0.0.1", 0) as listener:
        yield listener


@pytest.fixture(scope="module")
def patient(inherited_listener: socket.socket) -> Iterator[httpx2.Client]:
    """A client of a server with the usual limits."""
    with serving(inherited_listener) as (_, http):
        yield http


def test_a_listening_socket_can_be_inherited(
    inherited_listener: socket.socket, patient: httpx2.Client
) -> None:
    assert str(patient.base_url) == url_of(inherited_listener)
    assert patient.get("/health/live").status_code == 200


def test_a_photo_that_is_too_large_is_refused_in_words_over_a_real_connection(patient: httpx2.Client) -> None:
    session = patient.post("/api/uploads").json()
    path = f"/api/uploads/{session['session_id']}/photos"

    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield bytes(MEBIBYTE)

    headers = {"Content-Type": "image/jpeg"}
    for content in (bytes(51 * MEBIBYTE), endless()):
        assert_problem(patient.post(path, content=content, headers=headers), 413, "body-too-large")
    assert patient.get(f"/api/uploads/{session['session_id']}").json()["photos"] == []


def sessions_until_refused(http: httpx2.Client, forwarded_for: str) -> int:
    """How many sessions a client with a forwarded address may open.

    At most a hundred are tried.
    """
    for opened in range(100):
        if http.post("/api/uploads", headers={"X-Forwarded-For": forwarded_for}).status_code == 429:
            return opened
    return 100


def test_a_client_is_known_by_what_the_trusted_proxy_says_and_not_by_what_it_says_itself(
    patient: httpx2.Client,
) -> None:
    assert sessions_until_refused(patient, "198.51.100.7") == 60
    assert sessions_until_refused(patient, "203.0.113.9, 198.51.100.7") == 0
    assert sessions_until_refused(patient, "198.51.100.8") == 60


def test_an_address_that_a_stranger_claims_to_forward_for_is_ignored() -> None:
    with serving(trusted_proxies=["198.51.100.1"]) as (_, http):
        assert sessions_until_refused(http, "198.51.100.7") == 60
        assert sessions_until_refused(http, "198.51.100.8") == 0


def test_an_address_that_is_taken_is_named_with_what_to_do() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(CannotListenError, match=f"127.0.0.1:{port} .*HTTP_PORT"):
            listen("127.0.0.1", port)
    with pytest.raises(CannotListenError, match=r"192\.0\.2\.1:8000"):
        listen("192.0.2.1", 8000)


def test_a_file_that_is_no_socket_is_named_with_what_to_do(tmp_path: Path) -> None:
    with (tmp_path / "letter.txt").open("w") as email_content:
        fd = email_content.fileno()
        with pytest.raises(CannotListenError, match=rf"file {fd} \(.*socket.*\): .* leave --fd away"):
            inherited(fd)
    with pytest.raises(CannotListenError, match=rf"file {fd} \(Bad file descriptor\)"):
        inherited(fd)


def test_a_socket_that_does_not_listen_is_named_with_what_to_do() -> None:
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM)
    strangers = [*(socket.socket(socket.AF_INET, kind) for kind in kinds), *socket.socketpair()]
    for stranger in strangers:
        with stranger, pytest.raises(CannotListenError, match=r"\(it does not listen for TCP connections\)"):
            inherited(stranger.fileno())


@pytest.mark.parametrize("is_inherited", [False, True])
def test_small_answers_are_sent_at_once(*, is_inherited: bool) -> None:
    with listen("127.0.0.1", 0) as own:
        listener = socket.socket(fileno=own.detach()) if is_inherited else own
        with listener:
            assert asyncio.run(_waits_for_no_acknowledgement(listener))


async def _waits_for_no_acknowledgement(listener: socket.socket) -> bool:
    """Whether asyncio disables Nagle's algorithm on an accepted connection here."""
    found: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def look(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        found.set_result(bool(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        writer.close()

    async with await asyncio.start_server(look, sock=listener):
        _, client = await asyncio.open_connection(*listener.getsockname())
        has_no_delay = await found
        client.close()
        await client.wait_closed()
    return has_no_delay


#: A request that lacks its last line.
BEGUN = b"GET /health/live HTTP/1.1\r\nHost: shop\r\n"

#: Far less than a test waits for a connection to close.
SHORT = {"HEADER_SECONDS": 0.3, "STALL_SECONDS": 0.5, "SMALL_BODY_SECONDS": 0.3}


@pytest.fixture(scope="module")
def impatient() -> Iterator[httpx2.Client]:
    """A client of a server that cuts slow connections off soon."""
    with serving(limits=SHORT) as (_, http):
        yield http


@contextmanager
def connected(http: httpx2.Client, *, timeout_seconds: float = 20) -> Iterator[socket.socket]:
    """A raw connection, which fails the test unless closed in time."""
    address = (str(http.base_url.host), http.base_url.port or 80)
    with socket.create_connection(address, timeout=timeout_seconds) as connection:
        yield connection


def drip(connection: socket.socket, text: bytes) -> bytes:
    """Send bytes slowly until the server closes; return its response."""
    response = b""
    connection.settimeout(0.05)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            connection.sendall(text)
            received = connection.recv(65536)
        except TimeoutError:
            continue
        except OSError:
            return response
        if not received:
            return response
        response += received
    raise TimeoutError("The server did not end the connection.")


@pytest.mark.parametrize(
    "request_start",
    [
        b"",
        b"G",
        b"GET /health/live HTTP/1.1\r\nHost: shop\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: shop\r\n\r\nGET /",
    ],
    ids=["nothing", "a letter", "a line", "a second request"],
)
def test_a_client_that_never_ends_its_headers_is_cut_off(
    request_start: bytes, impatient: httpx2.Client
) -> None:
    with connected(impatient) as connection:
        connection.sendall(request_start)
        while connection.recv(65536):  # ends when the server closes it
            pass


def test_headers_that_come_letter_by_letter_are_cut_off(impatient: httpx2.Client) -> None:
    with connected(impatient) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: shop\r\n")
        assert drip(connection, b"X-A: b\r\n") == b""
        assert impatient.get("/health/live").status_code == 200


@pytest.mark.parametrize("path", ["/api/checkout-sessions", "/api/webhooks/stripe"])
def test_a_small_body_that_comes_byte_by_byte_is_refused(path: str, impatient: httpx2.Client) -> None:
    with connected(impatient) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n"
        connection.sendall(head.encode())
        assert drip(connection, b"[").startswith(b"HTTP/1.1 408")


def test_a_body_that_goes_on_after_its_answer_is_cut_off(impatient: httpx2.Client) -> None:
    with connected(impatient) as connection:
        connection.sendall(b"POST /nowhere HTTP/1.1\r\nHost: shop\r\nContent-Length: 900000\r\n\r\n")
        assert drip(connection, b"[").startswith(b"HTTP/1.1 404")


def test_slow_clients_keep_no_other_waiting_and_a_photo_may_take_its_time(impatient: httpx2.Client) -> None:
    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(connected(impatient)).sendall(b"GET /health/live HTTP/1.1\r\n")
        assert impatient.get("/health/live").status_code == 200
        session = impatient.post("/api/uploads").json()["session_id"]

        def slowly() -> Iterator[bytes]:
            pauses = Event()
            for _ in range(10):
                pauses.wait(SHORT["STALL_SECONDS"] / 3)
                yield b"great-aunt Adele, 1931"

        sent = impatient.post(
            f"/api/uploads/{session}/photos", content=slowly(), headers={"Content-Type": "image/jpeg"}
        )
        assert sent.status_code == 201


def test_a_client_that_stops_reading_is_cut_off(impatient: httpx2.Client) -> None:
    # The kernel buffers megabytes of answers before the server has to wait: on a busy machine that is many requests.
    with connected(impatient, timeout_seconds=100) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = b"GET /schema/openapi.json HTTP/1.1\r\nHost: shop\r\n\r\n"
        with pytest.raises(OSError, match=r"reset|Broken pipe|aborted"):
            _ask_for_ever(connection, request)


def _ask_for_ever(connection: socket.socket, request: bytes) -> None:
    """Send requests and read no answer."""
    while True:
        connection.sendall(request)
