"""One log line for each request, and its id.

The response, the log and the events share the id.
"""

import time
from uuid import UUID, uuid4

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from entrypoints.http.request_metrics import RequestObserver, path_of, report_request

#: Logged at debug level only: probes come every few seconds.
_QUIET = frozenset({"/health/live", "/health/ready"})

_log = structlog.get_logger(__name__)


class RequestLogging:
    """ASGI middleware around the whole application, unknown addresses included.

    It logs the path template, never the path: a path may hold a download token.
    """

    def __init__(self, app: ASGIApp, observer: RequestObserver | None = None) -> None:
        self._app = app
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Assign an id, pass the request on, and log it."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id = _given_id(scope) or uuid4()
        scope["state"]["request_id"] = request_id
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", str(request_id).encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=str(request_id)):
            try:
                await self._app(scope, receive, sending)
            except Exception:
                if not status:
                    raise
                # The response has begun and cannot report an error any more: the server closes the connection.
                _log.exception("response_broken_off")
            finally:
                seconds = time.perf_counter() - started
                _write_line(scope, status, seconds)
                if self._observer is not None:
                    report_request(self._observer, scope, status, seconds)


def request_id_of(scope: Scope) -> UUID:
    """The id that ``RequestLogging`` assigned to the request."""
    request_id: UUID = scope["state"]["request_id"]
    return request_id


def _given_id(scope: Scope) -> UUID | None:
    """The proxy's id of the request, if it is a UUID.

    Other text is ignored, because it could forge log lines.
    """
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    try:
        return UUID(given.decode("ascii"))
    except ValueError:
        return None


def _write_line(scope: Scope, status: int, seconds: float) -> None:
    path = path_of(scope)
    write = _log.debug if path in _QUIET else _log.info
    write(
        "http_request",
        method=scope.get("method"),
        path=path,
        status=status,
        duration_ms=round(seconds * 1000, 1),
        problem=scope["state"].get("problem"),
    )
