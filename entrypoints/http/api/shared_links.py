"""Links that customers make for family and friends, and take back."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from anyio import to_thread
from litestar import Response, delete, post
from litestar.params import FromPath
from litestar.response import Redirect

from domain.use_cases.delivery.shared_links import SharedLinks
from domain.use_cases.shop_policy import ShopPolicy
from entrypoints.http.dependencies import Given
from entrypoints.http.openapi.contracts import downloads as contracts
from entrypoints.http.pages import html_pages
from entrypoints.http.pages.expired_link_page import explain
from entrypoints.http.request_bodies import AnyRequest
from entrypoints.http.request_logging import request_id_of

# Asynchronous, because the framework dispatches a synchronous handler of an address with two methods to a thread twice.
_answer = partial(post, exception_handlers={Exception: explain})

_PRIVATE = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer", "Vary": "Accept"}


@dataclass(frozen=True, kw_only=True)
class SharedLinkView:
    """A link to pass on: it shows photos and saves them."""

    url: str


@_answer("/api/download/{token:str}/share", status_code=201, **contracts.SHARE_LINK)
async def share(
    shared_links: Given[SharedLinks], policy: Given[ShopPolicy], request: AnyRequest, token: FromPath[str]
) -> Response[SharedLinkView]:
    """Make a link that others may have, or return the current one.

    It shows and saves the photos until the customer's own link expires, and requests nothing.
    """
    shared = await to_thread.run_sync(shared_links.share, token, request_id_of(request.scope))
    if html_pages.is_html_preferred(request):
        return _back_to_gallery("photos#share")
    view = SharedLinkView(url=policy.urls.photos.replace("{token}", shared))
    return Response(view, headers=_PRIVATE)


@delete(
    "/api/download/{token:str}/share", exception_handlers={Exception: explain}, **contracts.TAKE_BACK_LINK
)
async def take_back(shared_links: Given[SharedLinks], request: AnyRequest, token: FromPath[str]) -> None:
    """Revoke the link for others; without one, nothing changes."""
    await to_thread.run_sync(shared_links.take_back, token, request_id_of(request.scope))


@_answer("/api/download/{token:str}/share/revoke", status_code=303, include_in_schema=False)
async def stop_sharing(
    shared_links: Given[SharedLinks], request: AnyRequest, token: FromPath[str]
) -> Response[None]:
    """``take_back`` for the page's form."""
    await to_thread.run_sync(shared_links.take_back, token, request_id_of(request.scope))
    return _back_to_gallery("../photos#share")


def _back_to_gallery(address: str) -> Response[Any]:
    return Redirect(address, status_code=303, headers=_PRIVATE)
