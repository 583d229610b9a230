"""Preview routes: uploads, an order's photos, and originals behind a link."""

from functools import partial
from uuid import UUID

from anyio import to_thread
from litestar import Response
from litestar.params import FromPath, FromQuery

from domain.order.values import ImageId, OrderId, PhotoId, UploadSessionId
from domain.use_cases.delivery.previews import PreviewSize
from entrypoints.http.dependencies import Given
from entrypoints.http.get_routes import get
from entrypoints.http.openapi.contracts import previews as contracts
from entrypoints.http.previews import PreviewAnswers
from entrypoints.http.request_bodies import AnyRequest

_showing = partial(get, media_type="image/jpeg")


@_showing("/api/uploads/{session:uuid}/photos/{photo:uuid}/preview", **contracts.PREVIEW_OF_UPLOAD)
async def show_upload(
    previews: Given[PreviewAnswers],
    request: AnyRequest,
    session: FromPath[UUID],
    photo: FromPath[UUID],
    size: FromQuery[PreviewSize] = PreviewSize.THUMBNAIL,
) -> Response[bytes]:
    """Show a photo of an upload session, as a JPEG.

    Its longest side has at most 480 pixels (thumbnail) or 1600 (screen).
    """
    source = await to_thread.run_sync(previews.find.of_upload, UploadSessionId(session), PhotoId(photo))
    return await previews.answer(request, source, size)


@_showing("/api/orders/{order:uuid}/photos/{image:uuid}/preview", **contracts.PREVIEW_OF_ORDER)
async def show_order_photo(
    previews: Given[PreviewAnswers],
    request: AnyRequest,
    order: FromPath[UUID],
    image: FromPath[UUID],
) -> Response[bytes]:
    """Show a thumbnail of a photo as the customer sent it."""
    source = await to_thread.run_sync(previews.find.of_order, OrderId(order), ImageId(image))
    return await previews.answer(request, source, PreviewSize.THUMBNAIL)


@_showing("/api/download/{token:str}/{image:uuid}/original", **contracts.PREVIEW_OF_ORIGINAL)
async def show_original(
    previews: Given[PreviewAnswers],
    request: AnyRequest,
    token: FromPath[str],
    image: FromPath[UUID],
    size: FromQuery[PreviewSize] = PreviewSize.SCREEN,
) -> Response[bytes]:
    """Show a photo behind a link, as the customer sent it."""
    source = await to_thread.run_sync(previews.find.of_link, token, ImageId(image))
    return await previews.answer(request, source, size)
