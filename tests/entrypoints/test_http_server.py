import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from entrypoints.http.server import CannotListenError, inherited, listen, url_of
from tests.entrypoints.http_fixtures import assert_problem

ROOT = Path(__file__).parents[2]
MEBIBYTE = 1024 * 1024

#: A shop of doubles in a process of its own; its last line is written when the caller has the shop back.
PROGRAM = """
import json
import sys
from entrypoints.http import serve
from entrypoints.settings import Settings
from tests.entrypoints.http_fixtures import HttpShop

told = json.loads(sys.argv[1])
settings = Settings.model_construct(http_host="127.0.0.1", http_port=0, **told["settings"])
serve(HttpShop(), settings, fd=told["fd"])
print("the shop can be closed")
"""


@contextmanager
def serving(
    listener: socket.socket | None = None, **settings: object
) -> Iterator[tuple[subprocess.Popen[str], httpx2.Client]]:
    """Run the program until the block ends, and a client for the address it announces."""
    fds = [listener.fileno()] if listener else []
    told = json.dumps({"fd": fds[0] if fds else None, "settings": settings})
    command = [sys.executable, "-c", PROGRAM, told]
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
def test_a_process_says_where_it_listens_and_ends_when_it_is_told(signal_number: signal.Signals) -> None:
    with serving() as (process, http):
        answer = http.get("/health/live")
        assert answer.json() == {"status": "ok"}
        assert "server" not in answer.headers
        process.send_signal(signal_number)
        assert process.stdout is not None
        assert process.stdout.read().splitlines()[-1] == "the shop can be closed"
        assert process.wait(timeout=10) == 0


def test_a_listening_socket_can_be_inherited() -> None:
    with listen("127.0.0.1", 0) as listener, serving(listener) as (_, http):
        assert str(http.base_url) == url_of(listener)
        assert http.get("/health/live").status_code == 200


def test_a_photo_that_is_too_large_is_refused_in_words_over_a_real_connection() -> None:
    with serving() as (_, http):
        session = http.post("/api/uploads").json()
        path = f"/api/uploads/{session['session_id']}/photos"

        def endless() -> Iterator[bytes]:
            for _ in range(100):
                yield bytes(MEBIBYTE)

        headers = {"Content-Type": "image/jpeg"}
        for content in (bytes(51 * MEBIBYTE), endless()):
            assert_problem(http.post(path, content=content, headers=headers), 413, "body-too-large")
        assert http.get(f"/api/uploads/{session['session_id']}").json()["photos"] == []


def sessions_until_refused(http: httpx2.Client, forwarded_for: str) -> int:
    """How many sessions a client may open that is said to have an address, up to a hundred."""
    for opened in range(100):
        if http.post("/api/uploads", headers={"X-Forwarded-For": forwarded_for}).status_code == 429:
            return opened
    return 100


def test_a_client_is_known_by_what_the_trusted_proxy_says_and_not_by_what_it_says_itself() -> None:
    with serving() as (_, http):
        assert sessions_until_refused(http, "198.51.100.7") == 60
        assert sessions_until_refused(http, "203.0.113.9, 198.51.100.7") == 0
        assert sessions_until_refused(http, "198.51.100.8") == 60


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
    with (tmp_path / "letter.txt").open("w") as letter:
        fd = letter.fileno()
        with pytest.raises(CannotListenError, match=rf"file {fd} \(.*socket.*\): .* leave --fd away"):
            inherited(fd)
    with pytest.raises(CannotListenError, match=rf"file {fd} \(Bad file descriptor\)"):
        inherited(fd)


@pytest.mark.parametrize("is_inherited", [False, True])
def test_small_answers_are_sent_at_once(*, is_inherited: bool) -> None:
    with listen("127.0.0.1", 0) as own:
        listener = socket.socket(fileno=own.detach()) if is_inherited else own
        with listener:
            assert asyncio.run(_waits_for_no_acknowledgement(listener))


async def _waits_for_no_acknowledgement(listener: socket.socket) -> bool:
    """Whether asyncio, on which the server runs, has Nagle's algorithm off on a connection it accepts here."""
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
