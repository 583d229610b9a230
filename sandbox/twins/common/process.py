"""A twin's process: command line, socket, announcement, shutdown."""

import argparse
import contextlib
import json
import logging
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uvicorn
from litestar import Litestar
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, ExceptionHandlersMap, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.twins.common.control import Control, answer_in_plain_json
from sandbox.twins.common.fault_middleware import FaultMiddleware, Recorder
from sandbox.twins.common.twin import Twin

HOST = "127.0.0.1"
_LOG = logging.getLogger(__name__)


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """Return a parser with the options of all twins."""
    made = argparse.ArgumentParser(prog=f"python -m sandbox.twins.{name}", description=description)
    made.add_argument(
        "--port", type=int, default=0, help="where to listen on 127.0.0.1; 0 chooses a free port"
    )
    made.add_argument("--data", type=Path, help="folder to keep everything in; without it, all is forgotten")
    return made


def listen(port: int) -> tuple[socket.socket, str]:
    """Bind a socket to the port; return it with its URL.

    Raises SystemExit with a sentence if the port is not free.
    """
    # With the protocol given asyncio sets TCP_NODELAY; without it, each small answer waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise SystemExit(
            f"Port {port} of {HOST} cannot be used ({error.strerror}): end what listens there, or give another --port."
        ) from None
    listener.listen(socket.SOMAXCONN)
    return listener, f"http://{HOST}:{listener.getsockname()[1]}"


def application(twin: Twin) -> ASGIApp:
    """Assemble handlers, faults, the provider's layers and the recorder."""
    exception_handlers: ExceptionHandlersMap = {
        HTTPException: answer_in_plain_json,
        **twin.exception_handlers,
    }

    async def report(error: Exception, scope: Scope) -> None:
        """Log a defect of the twin, which Litestar only answers with 500."""
        if not any(isinstance(kind, type) and isinstance(error, kind) for kind in exception_handlers):
            _LOG.error("%s failed", scope["path"], exc_info=error)

    app: ASGIApp = Litestar(
        [Control, *twin.handlers],
        dependencies={name: _given(value) for name, value in {"twin": twin, **twin.dependencies}.items()},
        exception_handlers=exception_handlers,
        after_exception=[report],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=None,
    )
    app = FaultMiddleware(app, twin.faults, twin.error_body)
    for layer in reversed(twin.layers):
        app = layer(app)
    return Recorder(app, twin.ledger)


def _given(value: object) -> Provide:
    return Provide(lambda: value, sync_to_thread=False)


def serve(twin: Twin, listener: socket.socket, url: str) -> None:
    """Serve until SIGTERM or Ctrl-C; announce the URL as JSON on stdout."""
    twin.webhooks.start()
    config = uvicorn.Config(
        application(twin),
        http=_AbortableProtocol,
        lifespan="off",
        ws="none",
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    announcement = {"twin": twin.name, "url": url, **twin.announcement}
    with contextlib.suppress(KeyboardInterrupt):
        _AnnouncingServer(config, announcement).run(sockets=[listener])


class _AbortableProtocol(H11Protocol):
    """Give the layers the transport: ASGI cannot close it without an answer."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _AnnouncingServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announcement: Mapping[str, str]) -> None:
        super().__init__(config)
        self._announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(json.dumps(self._announcement), flush=True)  # noqa: T201 (the announcement is the interface)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Cancel requests that a fault has hang for minutes, so that the twin ends at once.
        for task in list(self.server_state.tasks):
            task.cancel()
        await super().shutdown(sockets)
