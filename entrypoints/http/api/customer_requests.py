"""Customers' requests after delivery: an e-mail again, a new link, a redo.

The pages' forms post here from any browser, without scripts. They need no CSRF token: there is no cookie and no log-in
that a foreign page could use, so its form can do no more than its author could. All routes are POST, so a GET by a mail
scanner that follows links changes nothing.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from anyio import to_thread
from litestar import Response, post
from litestar.params import FromPath
from litestar.response import Redirect

from domain.order.errors import RedoRefusedError
from domain.order.values import ImageId, OrderId
from domain.use_cases.queries import Queries
from domain.use_cases.support.customer_requests import CustomerRequests
from entrypoints.bootstrap.wording import localization_of
from entrypoints.http.dependencies import Given
from entrypoints.http.errors import UnknownOrderError
from entrypoints.http.idempotency import Idempotency
from entrypoints.http.openapi.contracts import customer_requests as contracts
from entrypoints.http.pages import html_pages
from entrypoints.http.pages.expired_link_page import explain
from entrypoints.http.pages.site import visit_of
from entrypoints.http.request_bodies import AnyRequest
from entrypoints.http.request_logging import request_id_of

_request = partial(post, status_code=202, sync_to_thread=True, middleware=[Idempotency()])

#: The photo page, relative to ``/{image}/redo``.
_ALBUM = "../photos"
_BACK_TO_ORDER = "order_page.back"


@dataclass(frozen=True, kw_only=True)
class AcceptedView:
    """An accepted request; the result comes by e-mail."""

    sentence: str


def explain_redo(request: AnyRequest, error: Exception) -> Response[Any]:
    """Redirect a browser whose redo is refused to the photo page.

    That page shows the reason beside the photo.
    """
    if isinstance(error, RedoRefusedError) and html_pages.is_html_preferred(request):
        return Redirect(_ALBUM, status_code=303)
    return explain(request, error)


@_request(
    "/api/download/{token:str}/{image:uuid}/redo",
    exception_handlers={Exception: explain_redo},
    **contracts.ASK_FOR_REDO,
)
def ask_for_redo(
    customer_requests: Given[CustomerRequests],
    request: AnyRequest,
    token: FromPath[str],
    image: FromPath[UUID],
) -> Response[AcceptedView]:
    """Request a redo of a photo, once and within REDO_DAYS.

    Earlier results are kept.
    """
    customer_requests.redo(token, ImageId(image), request_id_of(request.scope))
    if html_pages.is_html_preferred(request):
        return Redirect(_ALBUM, status_code=303)
    return _taken(request, "redo")


@_request(
    "/api/download/{token:str}/renew", exception_handlers={Exception: explain}, **contracts.ASK_FOR_LINK
)
def ask_for_new_link(
    customer_requests: Given[CustomerRequests], request: AnyRequest, token: FromPath[str]
) -> Response[AcceptedView]:
    """Send a valid link to the address on file.

    The response is the same for every token, so it does not disclose which exist.
    """
    customer_requests.renew_link(token, request_id_of(request.scope))
    return _taken(request, "mail", sentence_key="link")


@_request(
    "/api/email/resend/{order:uuid}",
    exception_handlers={Exception: html_pages.explain},
    **contracts.ASK_FOR_MAIL,
)
def ask_for_mail(
    customer_requests: Given[CustomerRequests],
    queries: Given[Queries],
    request: AnyRequest,
    order: FromPath[UUID],
) -> Response[AcceptedView]:
    """Send the order's status e-mail again, to the address on file."""
    return _resend(customer_requests, queries, request, order)


def explain_button(request: AnyRequest, error: Exception) -> Response[Any]:
    """Explain a refused button of an order's page, and lead back."""
    way_back = None if isinstance(error, UnknownOrderError) else _BACK_TO_ORDER
    return html_pages.explain(request, error, way_back=way_back)


@post(
    "/api/restoration/status/{order:uuid}",
    status_code=202,
    exception_handlers={Exception: explain_button},
    middleware=[Idempotency()],
    **contracts.ASK_FOR_MAIL,
)
async def press_the_orders_button(
    customer_requests: Given[CustomerRequests],
    queries: Given[Queries],
    request: AnyRequest,
    order: FromPath[UUID],
) -> Response[AcceptedView]:
    """``ask_for_mail`` for the order's page.

    The page posts to its own address, so that it need not contain an id.
    """
    return await to_thread.run_sync(
        partial(_resend, customer_requests, queries, request, order, way_back=_BACK_TO_ORDER)
    )


def _resend(
    customer_requests: CustomerRequests,
    queries: Queries,
    request: AnyRequest,
    order: UUID,
    way_back: str | None = None,
) -> Response[Any]:
    order_id = OrderId(order)
    if not queries.order(order_id).version:
        raise UnknownOrderError(order_id)
    customer_requests.resend(order_id, request_id_of(request.scope))
    return _taken(request, "mail", way_back=way_back)


def _taken(
    request: AnyRequest, title: str, sentence_key: str | None = None, way_back: str | None = None
) -> Response[Any]:
    """Confirm a request: a page for a browser, else JSON.

    ``title`` and ``sentence_key`` name phrases of the catalog's section "asked", ``way_back`` the one of a link to the
    page with the form.
    """
    sentence = f"asked.{sentence_key or title}"
    if html_pages.is_html_preferred(request):
        return html_pages.page(
            "accepted", visit_of(request), status=202, request_kind=title, phrase=sentence, way_back=way_back
        )
    headers = {"Cache-Control": "no-store", "Vary": "Accept"}
    return Response(
        AcceptedView(sentence=localization_of("en").say(sentence)), status_code=202, headers=headers
    )
