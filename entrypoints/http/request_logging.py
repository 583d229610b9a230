"""One log line for each request, and its id.

The response, the log and the events share the id.
"""

import time
from http import HTTPStatus
from uuid import UUID, uuid4

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from entrypoints.http.request_metrics import RequestObserver, RequestTracer, path_of, report_request

#: Logged at debug level only, and not traced: probes come every few seconds.
_QUIET = frozenset({"/health/live", "/health/ready"})

_log = structlog.get_logger(__name__)


class RequestLogging:
    """ASGI middleware around the whole application, unknown addresses included.

    It logs the path template, never the path: a path may hold a download token.
    """

    def __init__(
        self, app: ASGIApp, observer: RequestObserver | None = None, tracer: RequestTracer | None = None
    ) -> None:
        self._app = app
        self._observer = observer
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Assign an id, pass the request on, and log it."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id = _given_id(scope) or uuid4()
        scope["state"]["request_id"] = request_id
        if self._tracer is not None:
            scope["state"]["tracer"] = self._tracer
            self._tracer.request_began(request_id)
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
                if self._tracer is not None and (path := path_of(scope)) not in _QUIET:
                    method = str(scope.get("method"))
                    self._tracer.request_ended(method, path, status, _order_id_of(scope, status))


def request_id_of(scope: Scope) -> UUID:
    """The id that ``RequestLogging`` assigned to the request."""
    request_id: UUID = scope["state"]["request_id"]
    return request_id


def note_cause(scope: Scope, cause: str, order_id: UUID | None) -> None:
    """Note under which cause a request is recorded, and for which order.

    For a request that another one may record together with its own.
    """
    scope["state"]["order_id"] = order_id
    tracer: RequestTracer | None = scope["state"].get("tracer")
    if tracer is not None:
        tracer.request_caused(cause)


def _order_id_of(scope: Scope, status: int) -> UUID | None:
    """The order that a request was about.

    None if it was refused: its address may be made up.
    """
    if not HTTPStatus.OK <= status < HTTPStatus.BAD_REQUEST:
        return None
    order_id = scope["state"].get("order_id") or scope.get("path_params", {}).get("order")
    return order_id if isinstance(order_id, UUID) else None


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
        order_id=str(order_id) if (order_id := _order_id_of(scope, status)) is not None else None,
        problem=scope["state"].get("problem"),
    )
