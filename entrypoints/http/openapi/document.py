"""The OpenAPI document as a whole: title, ids of operations, shared schemas."""

from typing import Any

from litestar import Response, Router
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Server, Tag
from litestar.types import Method

_DESCRIPTION = """The shop's own pages use this API; so may others.

Errors are problem documents (RFC 9457) with a stable `type`. Ids in addresses are capabilities: a client that knows an
upload session may change it until it is paid, one that knows an order may see it, and the token of a download link
opens its photos until it expires. Limits by client and in total are answered with 429 and `Retry-After`."""

_TAGS = (
    Tag(name="Uploads", description="Photos before the payment, sent in one request or resumably (tus 1.0)."),
    Tag(name="Checkout", description="The price, and the page to pay on."),
    Tag(name="Orders", description="What happens to the photos that were paid."),
    Tag(name="Downloads", description="The results behind a link."),
    Tag(name="Requests", description="What a customer can ask for after the delivery."),
    Tag(name="Webhooks", description="Events that the providers sign."),
    Tag(name="Workers", description="The work of a worker, done in calls of a scheduler."),
    Tag(name="Health", description="Probes of operators."),
)


def config_of(version: str, root: str = "") -> OpenAPIConfig:
    """The configuration of the document, at ``/schema/openapi.json``.

    ``root`` is the path of the shop's address.
    """
    return OpenAPIConfig(
        title="RestoreClick",
        version=version,
        description=_DESCRIPTION,
        servers=[Server(url=root or "/")],
        tags=list(_TAGS),
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
        render_plugins=[JsonRenderPlugin()],
        openapi_router=Router(
            "/schema", route_handlers=[], include_in_schema=False, after_request=_description_alone
        ),
    )


def _operation_id(handler: HTTPRouteHandler, method: Method, _: list[Any]) -> str:
    """The handler's name, with ``_head`` for its second method."""
    name: str = handler.handler_name.rpartition(".")[2]
    return f"{name}_head" if method == "HEAD" and len(handler.http_methods) > 1 else name


def _description_alone(response: Response[Any]) -> Response[Any]:
    """Replace the framework's page for unknown paths by a problem document."""
    if response.status_code == NotFoundException.status_code:
        raise NotFoundException
    return response
