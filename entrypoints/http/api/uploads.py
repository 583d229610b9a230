"""Upload routes: open a session, send and remove photos, show it."""

from uuid import UUID

from anyio import CapacityLimiter, to_thread
from litestar import Response, delete, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from domain.order.file_names import as_written
from domain.order.values import PhotoId, UploadSessionId
from domain.ports.cancellation import Cancellation
from domain.ports.scratch_files import ScratchFiles
from domain.ports.upload_sessions import UploadStatus
from domain.use_cases.checkout.photo_removal import PhotoRemoval
from domain.use_cases.checkout.uploads import AddedPhoto, UploadService
from domain.use_cases.checkout.visitor_limits import VisitorLimits
from domain.use_cases.shop_policy import ShopPolicy
from entrypoints.http.api import upload_schemas
from entrypoints.http.client_address import client_key
from entrypoints.http.client_disconnect import run_for_client
from entrypoints.http.dependencies import Given
from entrypoints.http.errors import BodyTooLargeError, NotARawPhotoError
from entrypoints.http.get_routes import get
from entrypoints.http.idempotency import Idempotency
from entrypoints.http.openapi.contracts import uploads as contracts
from entrypoints.http.pages import html_pages
from entrypoints.http.pages.paying_browser import redirect_to_order
from entrypoints.http.pages.site import Site
from entrypoints.http.request_bodies import AnyRequest, receive_into

#: What a session advertises; the image inspector decides.
ACCEPTED_MEDIA_TYPES = (
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/tiff",
    "image/heic",
    "image/heif",
    "image/avif",
)


@post("/api/uploads", sync_to_thread=True, middleware=[Idempotency()], **contracts.OPEN_SESSION)
def open_session(
    visitor_limits: Given[VisitorLimits],
    upload_service: Given[UploadService],
    policy: Given[ShopPolicy],
    request: AnyRequest,
) -> upload_schemas.UploadOpenedView:
    """Open an upload session."""
    visitor_limits.open_session(client_key(request))
    return upload_schemas.upload_opened(upload_service.open(), policy, ACCEPTED_MEDIA_TYPES)


@post("/api/uploads/{session:uuid}/photos", request_max_body_size=None, **contracts.SEND_PHOTO)
async def send_photo(
    visitor_limits: Given[VisitorLimits],
    upload_service: Given[UploadService],
    policy: Given[ShopPolicy],
    scratch: Given[ScratchFiles],
    upload_threads: Given[CapacityLimiter],
    request: AnyRequest,
    session: FromPath[UUID],
    filename: FromQuery[str] = "",
) -> Response[upload_schemas.SentPhotoView]:
    """Send one photo, whose bytes are the body.

    What the headers show to be refusable is refused before the body is read. Idempotent: the same bytes again are the
    photo that the session already has, and the response is 200 instead of 201, with ``is_duplicate``.
    """
    session_id, limit_bytes = UploadSessionId(session), policy.uploads.max_photo_bytes
    _require_raw_photo(request, limit_bytes)

    def check() -> None:
        upload_service.check_can_add(session_id)
        visitor_limits.receive_photo(client_key(request), request.content_length or limit_bytes)

    await to_thread.run_sync(check)
    with scratch.file() as file:
        size_bytes = await receive_into(file, request, limit_bytes=limit_bytes, limiter=upload_threads)

        def add(cancellation: Cancellation) -> AddedPhoto:
            name = as_written(filename)
            return upload_service.add(session_id, name, file, size_bytes, cancellation=cancellation)

        added = await run_for_client(request, add, limiter=upload_threads)
    return Response(upload_schemas.sent_photo(added), status_code=200 if added.is_duplicate else 201)


@get("/api/uploads/{session:uuid}/photos", **contracts.LIST_PHOTOS)
async def list_photos(
    upload_service: Given[UploadService], session: FromPath[UUID]
) -> upload_schemas.PhotosView:
    """List the photos of a session."""
    seen = await to_thread.run_sync(upload_service.find, UploadSessionId(session))
    return upload_schemas.PhotosView(photos=[upload_schemas.uploaded_photo(photo) for photo in seen.photos])


@delete("/api/uploads/{session:uuid}/photos/{photo:uuid}", status_code=204, **contracts.REMOVE_PHOTO)
async def remove_photo(
    photo_removal: Given[PhotoRemoval],
    checkout_threads: Given[CapacityLimiter],
    session: FromPath[UUID],
    photo: FromPath[UUID],
) -> None:
    """Remove a photo from an unpaid session; expire its open checkout page."""
    await to_thread.run_sync(
        photo_removal.remove, UploadSessionId(session), PhotoId(photo), limiter=checkout_threads
    )


@delete("/api/uploads/{session:uuid}/checkout", status_code=204, **contracts.CLOSE_CHECKOUT)
async def close_checkout(
    photo_removal: Given[PhotoRemoval], checkout_threads: Given[CapacityLimiter], session: FromPath[UUID]
) -> None:
    """Expire an unpaid checkout page, so that photos can be added again."""
    await to_thread.run_sync(photo_removal.reopen, UploadSessionId(session), limiter=checkout_threads)


@get(
    "/api/uploads/{session:uuid}",
    sync_to_thread=True,
    exception_handlers={Exception: html_pages.explain},
    **contracts.SHOW_SESSION,
)
def show_session(
    upload_service: Given[UploadService],
    policy: Given[ShopPolicy],
    request: AnyRequest,
    session: FromPath[UUID],
) -> Response[upload_schemas.UploadView]:
    """Show a session: its photos, price, checkout and order.

    A browser that returns from the payment is redirected to the session's page, or to the order's once it exists.
    """
    session_id = UploadSessionId(session)
    seen = upload_service.find(session_id)
    if not html_pages.is_html_preferred(request):
        return Response(upload_schemas.upload(seen, policy), headers={"Vary": "Accept"})
    site = Site.of(request.app.state)
    if seen.status is UploadStatus.PAID:
        return redirect_to_order(seen, policy, site)
    address = site.address(f"/uploads/{session_id}")
    headers = {"Cache-Control": "private, no-store", "Vary": "Accept"}
    return Redirect(address, status_code=303, headers=headers)


def _require_raw_photo(request: AnyRequest, limit_bytes: int) -> None:
    """Raise NotARawPhotoError or BodyTooLargeError if the headers suffice to refuse."""
    content_type = request.content_type[0] or "application/octet-stream"
    if content_type != "application/octet-stream" and not content_type.startswith("image/"):
        raise NotARawPhotoError(content_type)
    if (request.content_length or 0) > limit_bytes:
        raise BodyTooLargeError(limit_bytes)
