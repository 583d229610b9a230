"""Resumable uploads: the routes of tus 1.0.

A complete upload does what a photo sent in one request does, by the same use case.
"""

from typing import Any
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from litestar import HttpMethod, MediaType, Response, Router, delete, patch, post, route
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from domain.order.values import UploadSessionId
from domain.ports.resumable_uploads import ResumableUpload, ResumableUploadId
from domain.ports.scratch_files import ScratchFiles
from domain.use_cases.checkout.resumable_uploads import BegunUpload, ResumableUploadService
from domain.use_cases.checkout.visitor_limits import VisitorLimits
from domain.use_cases.shop_policy import ShopPolicy
from entrypoints.http import problem_details
from entrypoints.http.client_address import client_key
from entrypoints.http.dependencies import Given
from entrypoints.http.errors import BodyEmptyError, BodyTooLargeError
from entrypoints.http.idempotency import REPLAYED, idempotency_key_in
from entrypoints.http.openapi.contracts import tus as contracts
from entrypoints.http.pages.site import Site
from entrypoints.http.request_bodies import AnyRequest, discard_body
from entrypoints.http.resumable_bodies import PieceReceiver
from entrypoints.http.tus_protocol import (
    VERSION,
    TusVersionError,
    capabilities,
    checksum_in,
    headers_of,
    metadata_in,
    require_piece,
    require_version,
    size_in,
)


@route("/", http_method=HttpMethod.OPTIONS, status_code=204, sync_to_thread=False, **contracts.DESCRIBE_TUS)
def describe(policy: Given[ShopPolicy], session: FromPath[UUID]) -> Response[None]:
    """Describe what this server supports."""
    del session  # every session has the same limits
    return Response(None, status_code=204, headers=capabilities(policy.uploads.max_photo_bytes))


@post(
    "/",
    status_code=201,
    request_max_body_size=None,
    before_request=require_version,
    **contracts.CREATE_UPLOAD,
)
async def create_upload(
    resumable_uploads: Given[ResumableUploadService],
    visitor_limits: Given[VisitorLimits],
    scratch: Given[ScratchFiles],
    upload_threads: Given[CapacityLimiter],
    request: AnyRequest,
    session: FromPath[UUID],
) -> Response[bytes]:
    """Begin an upload of Upload-Length bytes, perhaps with its first piece.

    Its address is in the header Location, its name in Upload-Metadata. A request that is repeated with its
    Idempotency-Key gets the upload that the first one began, and Upload-Offset says where to go on. Without a key it
    begins another one: what is not finished expires, and a photo that is sent twice is kept once.
    """
    size_bytes, metadata = size_in(request, "Upload-Length"), metadata_in(request)
    checksum, key = checksum_in(request), idempotency_key_in(request)
    if not size_bytes:
        raise BodyEmptyError
    has_piece = bool(request.content_length or "transfer-encoding" in request.headers)
    if has_piece:
        require_piece(request)

    def create() -> BegunUpload:
        visitor_limits.receive_photo(client_key(request), size_bytes if has_piece else 1)
        return resumable_uploads.create(
            UploadSessionId(session),
            file_name=metadata.file_name,
            metadata=metadata.header,
            size_bytes=size_bytes,
            idempotency_key=key,
        )

    begun = await to_thread.run_sync(create)
    upload = begun.upload
    if has_piece and upload.offset_bytes:
        await discard_body(request, limit_bytes=size_bytes)  # the first request has sent it, or more
    elif has_piece:
        receiver = PieceReceiver(request, resumable_uploads, scratch, upload_threads, upload, checksum)
        upload = await receiver.receive()
    location = Site.of(request.app.state).address(f"/api/uploads/{session}/tus/{upload.upload_id}")
    headers = {**headers_of(upload), "Location": location}
    if begun.is_repeated:
        headers[REPLAYED] = "true"
    return Response(b"", status_code=201, media_type=MediaType.TEXT, headers=headers)


@route("/{upload:uuid}", http_method=HttpMethod.HEAD, before_request=require_version, **contracts.SHOW_OFFSET)
async def show_offset(
    resumable_uploads: Given[ResumableUploadService],
    request: AnyRequest,
    session: FromPath[UUID],
    upload: FromPath[UUID],
) -> ASGIResponse:
    """Show how many bytes of an upload are stored."""
    del request
    found = await to_thread.run_sync(
        resumable_uploads.find, UploadSessionId(session), ResumableUploadId(upload)
    )
    headers = {**headers_of(found), "Upload-Length": str(found.size_bytes)}
    if found.metadata:
        headers["Upload-Metadata"] = found.metadata
    return ASGIResponse(headers=headers, is_head_response=True)


@patch(
    "/{upload:uuid}",
    status_code=204,
    request_max_body_size=None,
    before_request=require_version,
    **contracts.APPEND_PIECE,
)
async def append_piece(
    resumable_uploads: Given[ResumableUploadService],
    visitor_limits: Given[VisitorLimits],
    scratch: Given[ScratchFiles],
    upload_threads: Given[CapacityLimiter],
    request: AnyRequest,
    session: FromPath[UUID],
    upload: FromPath[UUID],
) -> Response[None]:
    """Send the bytes of an upload from Upload-Offset on.

    With the last byte the photo is checked and added; a refused one is answered as if it was sent in one request.
    """
    require_piece(request)
    offset_bytes, checksum = size_in(request, "Upload-Offset"), checksum_in(request)

    def check() -> ResumableUpload:
        found = resumable_uploads.check_can_append(
            UploadSessionId(session), ResumableUploadId(upload), offset_bytes
        )
        left_bytes = found.size_bytes - offset_bytes
        if (request.content_length or 0) > left_bytes:
            raise BodyTooLargeError(left_bytes)
        if not found.is_complete:
            announced_bytes = left_bytes if request.content_length is None else request.content_length
            visitor_limits.receive_photo(client_key(request), announced_bytes)
        return found

    found = await to_thread.run_sync(check)
    receiver = PieceReceiver(request, resumable_uploads, scratch, upload_threads, found, checksum)
    return Response(None, status_code=204, headers=headers_of(await receiver.receive()))


@delete("/{upload:uuid}", status_code=204, before_request=require_version, **contracts.CANCEL_UPLOAD)
async def cancel_upload(
    resumable_uploads: Given[ResumableUploadService],
    checkout_threads: Given[CapacityLimiter],
    request: AnyRequest,
    session: FromPath[UUID],
    upload: FromPath[UUID],
) -> Response[None]:
    """End an upload, and remove the photo that it added."""
    del request
    await to_thread.run_sync(
        resumable_uploads.cancel,
        UploadSessionId(session),
        ResumableUploadId(upload),
        limiter=checkout_threads,
    )
    return Response(None, status_code=204, headers={"Tus-Resumable": VERSION})


def answer(request: AnyRequest, error: Exception) -> Response[Any]:
    """Answer an error with a problem document and the protocol's headers."""
    response = problem_details.answer(request, error)
    response.headers["Tus-Resumable"] = VERSION
    if isinstance(error, TusVersionError):
        response.headers["Tus-Version"] = VERSION
    return response


router = Router(
    "/api/uploads/{session:uuid}/tus",
    route_handlers=[describe, create_upload, show_offset, append_piece, cancel_upload],
    exception_handlers={Exception: answer},
)
