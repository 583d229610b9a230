"""One API process: a listening socket, uvicorn, and a readiness line."""

import json
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import structlog
import uvicorn
from litestar import Litestar

from domain.ports.errors import UnavailableError
from entrypoints.bootstrap.adapters import open_container
from entrypoints.bootstrap.garbage_collection import exempt_startup_objects
from entrypoints.bootstrap.monitoring import metrics_served, monitoring_from
from entrypoints.bootstrap.wording import error_text
from entrypoints.http.api.worker_calls import WorkerAccess
from entrypoints.http.application import create_app
from entrypoints.http.bounded_protocol import BoundedProtocol
from entrypoints.http.pages.site import site_from
from entrypoints.logging_config import configure_logs
from entrypoints.settings import Settings
from entrypoints.worker.worker_calls import WorkerCalls

#: How long responses in progress may take after SIGTERM.
DRAIN_SECONDS = 5

_log = structlog.get_logger(__name__)


class CannotListenError(Exception):
    """No connection can be accepted; the message says what to do."""


class NoInheritedSocketError(CannotListenError):
    """The given file descriptor is no socket, or not open."""

    def __init__(self, fd: int, reason: str) -> None:
        self.fd = fd
        super().__init__(
            f"Cannot listen on file {fd} ({reason}): hand over a listening socket, or leave --fd away."
        )


class AddressTakenError(CannotListenError):
    """The address is in use, or not this machine's."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host = host
        self.port = port
        super().__init__(
            f"Cannot listen on {host}:{port} ({reason}): free it, or choose another HTTP_HOST or HTTP_PORT."
        )


def announce(url: str) -> None:
    """Report the URL to the parent process, as a JSON line."""
    sys.stdout.write(json.dumps({"listening": url}) + "\n")
    sys.stdout.flush()


def run(settings: Settings, *, fd: int | None = None) -> None:
    """Wire the shop, serve it until SIGTERM or SIGINT, and close it.

    Raises CannotListenError and BrandError.
    """
    configure_logs(settings.log_level)
    site = site_from(settings)
    with (
        closing(monitoring_from(settings, "api")) as monitoring,
        open_container(settings, monitoring=monitoring) as container,
        metrics_served(settings, monitoring, container),
    ):
        try:
            container.log_heads.check()
        except UnavailableError as error:
            # Not fatal: each request that needs a current database makes this check itself; the others can be served.
            _log.error("log_head_refused", problem=error_text(error))
        access = None
        if settings.link_signing_key is not None:
            access = WorkerAccess(
                secret_key=settings.worker_secret_key, calls=WorkerCalls(container, settings)
            )
        app = create_app(
            container,
            site,
            cors_origins=settings.cors_origins,
            worker_access=access,
            observer=monitoring.recorder,
            tracer=monitoring.tracer,
        )
        exempt_startup_objects()
        serve(app, settings, fd=fd)


def serve(
    app: Litestar, settings: Settings, *, fd: int | None = None, on_ready: Callable[[str], None] = announce
) -> None:
    """Serve until SIGTERM or SIGINT, finish responses in progress, and return.

    ``fd`` is an inherited listening socket; without one, listen on the address in the settings. Raises
    CannotListenError. ``on_ready`` is called with the URL once connections are accepted.
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
        _ShopServer(config, app, lambda: on_ready(url_of(listener))).run(sockets=[listener])


def inherited(fd: int) -> socket.socket:
    """A listening socket that the parent process opened; raises NoInheritedSocketError."""
    try:
        found = socket.socket(fileno=fd)
    except OSError as error:
        raise NoInheritedSocketError(fd, error.strerror or type(error).__name__) from error
    is_tcp = found.family in {socket.AF_INET, socket.AF_INET6} and found.type == socket.SOCK_STREAM
    if not is_tcp or not found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        found.detach()  # it stays the parent's
        raise NoInheritedSocketError(fd, "it does not listen for TCP connections")
    return found


def listen(host: str, port: int) -> socket.socket:
    """A new listening socket; port 0 selects a free one. Raises AddressTakenError."""
    try:
        # With an explicit protocol asyncio sets TCP_NODELAY; without it, each small response waits 40 ms for an ACK.
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
    """The URL of a listening socket."""
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _ShopServer(uvicorn.Server):
    """Uvicorn that reports its start and ends streams when it stops."""

    def __init__(self, config: uvicorn.Config, app: Litestar, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._app = app
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()
        _log.info("api_ready")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Streams would last for minutes; their browsers open new ones at the next process.
        self._app.state.order_streams.close_all()
        await super().shutdown(sockets)


@contextmanager
def _signals_end_quietly() -> Iterator[None]:
    """Ignore the signal that uvicorn raises again after its shutdown.

    The process must survive it, because the caller still closes the shop.
    """
    before = {each: signal.signal(each, lambda *_: None) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
