"""An order as its owner may see it: the UUID is the capability, and who has it may look and change nothing."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from anyio import to_thread
from litestar import Response, get
from litestar.params import FromPath

from domain.order.events import RecordedEvent
from domain.order.evolve import fold
from domain.order.values import ImageId, OrderId
from domain.ports.unit_of_work import Transaction
from entrypoints.bootstrap.container import Container
from entrypoints.http.api import order_schemas
from entrypoints.http.dependencies import TheShop, is_known
from entrypoints.http.errors import UnknownOrderError
from entrypoints.http.pages import html_pages, status_pages
from entrypoints.http.request_bodies import AnyRequest


@get("/api/orders/{order:uuid}", sync_to_thread=True)
def show_order(
    shop: TheShop, request: AnyRequest, order: FromPath[UUID]
) -> Response[order_schemas.OrderView | None]:
    """Show an order with its history; 304 to a client that has this version already."""
    return _shown(shop, request, OrderId(order), order_schemas.order)


# Its page's button posts to the same address, and the framework takes a synchronous handler of an address with two
# methods into a thread twice: so this one goes there by itself.
@get("/api/restoration/status/{order:uuid}", exception_handlers={Exception: html_pages.explain})
async def show_progress(
    shop: TheShop, request: AnyRequest, order: FromPath[UUID]
) -> Response[order_schemas.ProgressView | None]:
    """Show how far the restoration has come; made to be polled, and a page for the person who follows the mail."""
    return await to_thread.run_sync(_progress, shop, request, OrderId(order))


def _progress(shop: Container, request: AnyRequest, order_id: OrderId) -> Response[Any]:
    if html_pages.is_wanted(request):
        with shop.unit_of_work.transaction() as transaction:
            history, names = _history(transaction, order_id), _names(transaction, order_id)
        return status_pages.of_order(fold(order_id, history), names, html_pages.localization_for(request))
    shown = _shown(shop, request, order_id, order_schemas.progress)
    shown.headers["Vary"] = "Accept"
    return shown


def _shown(
    shop: Container, request: AnyRequest, order_id: OrderId, view: order_schemas.OfOrder
) -> Response[Any]:
    """What the order looks like in one of its views; its version is the ETag, for nothing else changes it."""
    with shop.unit_of_work.transaction() as transaction:
        history = _history(transaction, order_id)
        headers = {"ETag": f'"{len(history)}"', "Cache-Control": "private, no-cache"}
        if is_known(headers["ETag"], request.headers.get("if-none-match", "")):
            return Response(None, status_code=304, headers=headers)
        names = _names(transaction, order_id)
    return Response(view(fold(order_id, history), names, history), headers=headers)


def _history(transaction: Transaction, order_id: OrderId) -> Sequence[RecordedEvent]:
    """What the log has of an order; raises UnknownOrderError if that is nothing."""
    history = transaction.event_store.history(order_id)
    if not history:
        raise UnknownOrderError(order_id)
    return history


def _names(transaction: Transaction, order_id: OrderId) -> dict[ImageId, str]:
    """The customer's names of the order's photos."""
    return {ImageId(key): name for key, name in transaction.upload_sessions.file_names(order_id).items()}
