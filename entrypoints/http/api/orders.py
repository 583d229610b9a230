"""An order as its owner may see it.

The UUID is a capability: a client that has it may see the order and have its e-mail sent again, within limits.
"""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from anyio import to_thread
from litestar import HttpMethod, Response
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from litestar.serialization import encode_json
from litestar.types import ASGIApp

from domain.order.events import RecordedEvent
from domain.order.evolve import fold
from domain.order.states import TERMINAL
from domain.order.values import OrderId
from domain.ports.clock import Clock
from domain.use_cases.queries import Queries
from domain.use_cases.support.customer_requests import CustomerRequests
from entrypoints.http.api import order_schemas
from entrypoints.http.client_address import client_key
from entrypoints.http.dependencies import Given, is_known
from entrypoints.http.errors import UnknownOrderError
from entrypoints.http.event_stream import STREAM_HEADERS, OrderEventStream
from entrypoints.http.get_routes import get
from entrypoints.http.openapi.contracts import orders as contracts
from entrypoints.http.order_streams import OrderStreams
from entrypoints.http.pages import html_pages
from entrypoints.http.pages.order_pages import order_page
from entrypoints.http.request_bodies import AnyRequest


@get("/api/orders/{order:uuid}", sync_to_thread=True, **contracts.SHOW_ORDER)
def show_order(
    queries: Given[Queries], request: AnyRequest, order: FromPath[UUID]
) -> Response[order_schemas.OrderView]:
    """Show an order with its history; 304 if its version is known."""
    return _shown(queries, request, OrderId(order), order_schemas.order)


# Asynchronous, because the page's button posts to the same address, and the framework dispatches a synchronous handler
# of an address with two methods to a thread twice.
@get(
    "/api/restoration/status/{order:uuid}",
    exception_handlers={Exception: html_pages.explain},
    **contracts.SHOW_PROGRESS,
)
async def show_progress(
    queries: Given[Queries],
    customer_requests: Given[CustomerRequests],
    clock: Given[Clock],
    request: AnyRequest,
    order: FromPath[UUID],
) -> Response[order_schemas.ProgressView]:
    """Show the progress of the restoration.

    Programs poll it; a browser that follows the e-mail's link gets a page.
    """
    return await to_thread.run_sync(_progress, queries, customer_requests, clock, request, OrderId(order))


@get("/api/orders/{order:uuid}/events", **contracts.FOLLOW_ORDER)
async def follow_order(
    queries: Given[Queries], order_streams: Given[OrderStreams], request: AnyRequest, order: FromPath[UUID]
) -> ASGIApp:
    """Send the progress of an order at each change, as server-sent events.

    The id of an event is the order's version. A client that comes back with Last-Event-ID gets what is newer, and 204
    if the order is over and nothing is: then it should not come back.
    """
    order_id = OrderId(order)
    latest = await order_streams.version(order_id)
    if latest is None:
        raise UnknownOrderError(order_id)
    known_version = _last_event_id(request)
    if known_version == latest.version and latest.state in TERMINAL:
        return ASGIResponse(status_code=204, headers={"Cache-Control": "no-store"})
    if request.method == HttpMethod.HEAD:
        return ASGIResponse(headers=STREAM_HEADERS, is_head_response=True)
    watch = order_streams.open(order_id, client_key(request), latest)
    return OrderEventStream(order_streams, watch, known_version, partial(_document, queries))


def _last_event_id(request: AnyRequest) -> int:
    """The version that the client knows; 0 if it knows none."""
    given = request.headers.get("last-event-id", "")
    return int(given) if re.fullmatch(r"[0-9]{1,9}", given) else 0


def _document(queries: Queries, order_id: OrderId) -> tuple[int, bytes]:
    """The version of an order, and its progress as JSON."""
    history = _history(queries, order_id)
    names = queries.file_names(order_id)
    return len(history), encode_json(order_schemas.progress(fold(order_id, history), names, history))


def _progress(
    queries: Queries,
    customer_requests: CustomerRequests,
    clock: Clock,
    request: AnyRequest,
    order_id: OrderId,
) -> Response[Any]:
    if html_pages.is_html_preferred(request):
        return order_page(queries, customer_requests, clock, order_id, request)
    shown = _shown(queries, request, order_id, order_schemas.progress)
    shown.headers["Vary"] = "Accept"
    return shown


def _shown(
    queries: Queries, request: AnyRequest, order_id: OrderId, view: order_schemas.OfOrder
) -> Response[Any]:
    """An order in one of its views.

    The version is the ETag, because nothing else changes the view.
    """
    history = _history(queries, order_id)
    headers = {"ETag": f'"{len(history)}"', "Cache-Control": "private, no-cache"}
    if is_known(headers["ETag"], request.headers.get("if-none-match", "")):
        return Response(None, status_code=304, headers=headers)
    names = queries.file_names(order_id)
    return Response(view(fold(order_id, history), names, history), headers=headers)


def _history(queries: Queries, order_id: OrderId) -> Sequence[RecordedEvent]:
    """The events of an order; raises UnknownOrderError if there are none."""
    history = queries.history(order_id)
    if not history:
        raise UnknownOrderError(order_id)
    return history
