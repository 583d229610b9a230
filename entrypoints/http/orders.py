"""An order as its owner may see it: the UUID is the capability, and who has it may look and change nothing."""

from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from domain.model.evolve import fold
from domain.model.values import ImageId, OrderId
from entrypoints.http import views
from entrypoints.http.bodies import AnyRequest
from entrypoints.http.errors import UnknownOrderError
from entrypoints.http.parameters import TheShop, is_known


@get("/api/orders/{order:uuid}", sync_to_thread=True)
def show_order(shop: TheShop, request: AnyRequest, order: FromPath[UUID]) -> Response[views.OrderView | None]:
    """Show an order with its history; 304 to a client that has this version already."""
    return _shown(shop, request, OrderId(order), views.order)


@get("/api/restoration/status/{order:uuid}", sync_to_thread=True)
def show_progress(
    shop: TheShop, request: AnyRequest, order: FromPath[UUID]
) -> Response[views.ProgressView | None]:
    """Show how far the restoration has come; made to be polled."""
    return _shown(shop, request, OrderId(order), views.progress)


def _shown(shop: TheShop, request: AnyRequest, order_id: OrderId, view: views.OfOrder) -> Response[Any]:
    """What the order looks like in one of its views; its version is the ETag, for nothing else changes it."""
    with shop.books.transaction() as transaction:
        history = transaction.log.history(order_id)
        if not history:
            raise UnknownOrderError(order_id)
        headers = {"ETag": f'"{len(history)}"', "Cache-Control": "private, no-cache"}
        if is_known(headers["ETag"], request.headers.get("if-none-match", "")):
            return Response(None, status_code=304, headers=headers)
        names = {ImageId(key): name for key, name in transaction.uploads.file_names(order_id).items()}
    return Response(view(fold(order_id, history), names, history), headers=headers)
