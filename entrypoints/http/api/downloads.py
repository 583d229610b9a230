"""Download routes: the files behind a link, and the buttons for them.

A GET does not prove that the customer sent it: mail scanners follow links, photo pages load pictures. It is recorded as
*served*. The buttons on the page behind the link send a POST, which is recorded as *fetched*.
"""

from functools import partial
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from litestar import HttpMethod, Response, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp

from domain.order.values import ImageId
from domain.ports.object_storage import ObjectStorage
from domain.use_cases.delivery.downloads import Delivery, DownloadService
from domain.use_cases.delivery.previews import PreviewSize, PreviewSource
from entrypoints.http.byte_ranges import is_known_to_client, requested_range, require_same_file
from entrypoints.http.clients import client_of
from entrypoints.http.dependencies import Given
from entrypoints.http.file_responses import FileAnswer, OpenedFile, etag_of
from entrypoints.http.get_routes import get
from entrypoints.http.openapi.contracts import downloads as contracts
from entrypoints.http.pages import html_pages
from entrypoints.http.pages.expired_link_page import explain
from entrypoints.http.previews import PreviewAnswers
from entrypoints.http.request_bodies import AnyRequest
from entrypoints.http.request_logging import request_id_of

_button = partial(post, status_code=303, sync_to_thread=True, exception_handlers={Exception: explain})

#: The address holds a token, so no cache may keep the response and no other site may learn its address.
_PRIVATE = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}


@get(
    "/api/download/{token:str}",
    exception_handlers={Exception: explain},
    **contracts.FOLLOW_LINK,
)
async def follow_link(
    downloads: Given[DownloadService],
    storage: Given[ObjectStorage],
    download_threads: Given[CapacityLimiter],
    request: AnyRequest,
    token: FromPath[str],
) -> ASGIApp:
    """Send the archive; redirect a browser to the photo page.

    E-mails of older versions link here.
    """
    delivery = await to_thread.run_sync(downloads.find, token)
    if html_pages.is_html_preferred(request):
        headers = {**_PRIVATE, "Location": f"{token}/photos", "Vary": "Accept"}
        return ASGIResponse(status_code=303, headers=headers)
    return await _answer(downloads, storage, download_threads, request, delivery)


@get(
    "/api/download/{token:str}/archive",
    exception_handlers={Exception: explain},
    **contracts.SEND_ARCHIVE,
)
async def send_archive(
    downloads: Given[DownloadService],
    storage: Given[ObjectStorage],
    download_threads: Given[CapacityLimiter],
    request: AnyRequest,
    token: FromPath[str],
) -> ASGIApp:
    """Send the archive with every restored image."""
    delivery = await to_thread.run_sync(downloads.find, token)
    return await _answer(downloads, storage, download_threads, request, delivery)


@get(
    "/api/download/{token:str}/{image:uuid}",
    exception_handlers={Exception: explain},
    **contracts.SEND_IMAGE,
)
async def send_image(
    downloads: Given[DownloadService],
    storage: Given[ObjectStorage],
    download_threads: Given[CapacityLimiter],
    request: AnyRequest,
    token: FromPath[str],
    image: FromPath[UUID],
    previews: Given[PreviewAnswers],
    earlier: FromQuery[int] = 0,
    size: FromQuery[PreviewSize | None] = None,
) -> ASGIApp:
    """Send one restored image of the order, or its preview.

    ``earlier`` counts back from the newest result, which is 0. A preview is a JPEG of at most 480 pixels (thumbnail) or
    1600 (screen), and is not recorded as served.
    """
    delivery = await to_thread.run_sync(partial(downloads.find, token, ImageId(image), earlier=earlier))
    if size is not None:
        shown = await previews.answer(request, PreviewSource(content=delivery.content), size)
        return shown.to_asgi_response(app=None, request=request)
    return await _answer(downloads, storage, download_threads, request, delivery)


@_button("/api/download/{token:str}/archive", **contracts.FETCH)
def fetch_archive(
    downloads: Given[DownloadService], request: AnyRequest, token: FromPath[str]
) -> Response[None]:
    """Record that the customer requested the archive, and redirect to it."""
    return _fetched(downloads, request, downloads.find(token), "archive")


@_button("/api/download/{token:str}/{image:uuid}", **contracts.FETCH)
def fetch_image(
    downloads: Given[DownloadService],
    request: AnyRequest,
    token: FromPath[str],
    image: FromPath[UUID],
    earlier: FromQuery[int] = 0,
) -> Response[None]:
    """Record that the customer requested a restored image, and redirect to it."""
    delivery = downloads.find(token, ImageId(image), earlier=earlier)
    return _fetched(downloads, request, delivery, f"{image}{f'?earlier={earlier}' if earlier else ''}")


def _fetched(
    downloads: DownloadService, request: AnyRequest, delivery: Delivery, address: str
) -> Response[None]:
    """Record a download and redirect to its file.

    The file itself is sent to a GET, so that an interrupted download can be resumed.
    """
    downloads.record_download(delivery, client_of(request), request_id_of(request.scope))
    return Redirect(address, status_code=303, headers=_PRIVATE)


async def _answer(
    downloads: DownloadService,
    storage: ObjectStorage,
    download_threads: CapacityLimiter,
    request: AnyRequest,
    delivery: Delivery,
) -> ASGIApp:
    """The file behind a token, or the requested part of it.

    The response is 304 if the client has the file already, 416 if the part does not exist, and 412 if the file has
    changed and If-Match excludes that. A HEAD request is not recorded.
    """
    stored, is_looking = delivery.content, request.method == HttpMethod.HEAD
    require_same_file(request.headers, etag_of(stored))
    if is_known_to_client(request.headers, etag_of(stored)):
        return ASGIResponse(status_code=304, headers={**_PRIVATE, "ETag": etag_of(stored)})
    part = None if is_looking else requested_range(request.headers, etag_of(stored), stored.size_bytes)
    opened = None if is_looking else await OpenedFile.open(storage, stored, part, download_threads)
    when_sent = partial(downloads.record_served, delivery, client_of(request), request_id_of(request.scope))
    return FileAnswer(stored, delivery.file_name, opened, when_sent, part=part)
