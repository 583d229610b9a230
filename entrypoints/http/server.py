"""One API process: a socket, uvicorn on it, and a line that says when it accepts."""

import json
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from litestar import Litestar

from domain.ports.errors import UnavailableError
from entrypoints.bootstrap.adapters import open_container
from entrypoints.http.application import create_app
from entrypoints.http.bounded_protocol import BoundedProtocol
from entrypoints.logging_config import configure_logs
from entrypoints.settings import Settings

#: How long answers that have begun may take to end after SIGTERM.
DRAIN_SECONDS = 5

_log = structlog.get_logger(__name__)


class CannotListenError(Exception):
    """No connection can be accepted; the message says what to do."""


class NoInheritedSocketError(CannotListenError):
    """The file that this process was told to listen on is no socket, or not open."""

    def __init__(self, fd: int, reason: str) -> None:
        self.fd = fd
        super().__init__(
            f"Cannot listen on file {fd} ({reason}): hand over a listening socket, or leave --fd away."
        )


class AddressTakenError(CannotListenError):
    """The address is taken, or not this machine's."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host = host
        self.port = port
        super().__init__(
            f"Cannot listen on {host}:{port} ({reason}): free it, or choose another HTTP_HOST or HTTP_PORT."
        )


def announce(url: str) -> None:
    """Tell whoever started this process, on a line of its own."""
    sys.stdout.write(json.dumps({"listening": url}) + "\n")
    sys.stdout.flush()


def run(settings: Settings, *, fd: int | None = None) -> None:
    """Be an API process: wire the shop, serve it until SIGTERM or SIGINT, and close it."""
    configure_logs(settings.log_level)
    with open_container(settings) as container:
        try:
            container.log_heads.check()
        except UnavailableError as error:
            # Requests that must not be answered meanwhile are refused one by one; the others are.
            _log.error("log_head_refused", problem=str(error))
        serve(create_app(container), settings, fd=fd)


def serve(
    app: Litestar, settings: Settings, *, fd: int | None = None, on_ready: Callable[[str], None] = announce
) -> None:
    """Serve until SIGTERM or SIGINT, let what has begun come to its end, and return.

    ``fd`` is a listening socket that was inherited; without one, the address in the settings is taken, which raises
    CannotListenError. ``on_ready`` is told the URL once connections are accepted.
    """
    listener = inherited(fd) if fd is not None else listen(settings.http_host, settings.http_port)
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    with listener, _signals_end_quietly():
        _ReadyServer(config, lambda: on_ready(url_of(listener))).run(sockets=[listener])


def inherited(fd: int) -> socket.socket:
    """A listening socket that whoever started this process opened; raises NoInheritedSocketError."""
    try:
        return socket.socket(fileno=fd)
    except OSError as error:
        raise NoInheritedSocketError(fd, error.strerror or type(error).__name__) from error


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises AddressTakenError."""
    try:
        # With the protocol spelt out asyncio sends small answers at once; without it, each waits 40 ms for an ACK.
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(socket.SOMAXCONN)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise AddressTakenError(host, port, error.strerror or type(error).__name__) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Where a listening socket is reached."""
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _ReadyServer(uvicorn.Server):
    """Uvicorn, and a call when it accepts connections."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()
        _log.info("api_ready")


@contextmanager
def _signals_end_quietly() -> Iterator[None]:
    """Uvicorn raises the signal that ended it anew; the caller has a shop to close, so nobody acts on it here."""
    before = {each: signal.signal(each, lambda *_: None) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
