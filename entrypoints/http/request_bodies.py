"""Reading of request bodies within limits of size, time and memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

from anyio import CapacityLimiter, to_thread
from litestar import Request
from litestar.exceptions import InternalServerException

from entrypoints.http.errors import BodyCutError, BodyEmptyError, BodyTooLargeError, BodyTooSlowError

AnyRequest = Request[Any, Any, Any]

#: Time for a whole body: 50 MiB over a slow mobile connection of 1.5 megabit a second.
PATIENCE_SECONDS = 300.0

#: Time for a small document.
SMALL_BODY_SECONDS = 15.0

#: How much is gathered before a thread writes it: a slow disk must not block the event loop.
BATCH_BYTES = 1024 * 1024


async def receive_into(
    file: BinaryIO, request: AnyRequest, *, limit_bytes: int, limiter: CapacityLimiter
) -> int:
    """Write the body to ``file`` and return its length in bytes.

    Raises BodyTooLargeError as early as possible, before the first byte if Content-Length says so; also
    BodyTooSlowError, BodyCutError and BodyEmptyError.
    """
    size_bytes = 0
    batch = bytearray()
    async with _patience(PATIENCE_SECONDS):
        async for chunk in chunks_of(request, limit_bytes):
            batch += chunk
            if len(batch) >= BATCH_BYTES:
                size_bytes += await to_thread.run_sync(file.write, batch, limiter=limiter)
                batch = bytearray()
        size_bytes += await to_thread.run_sync(file.write, batch, limiter=limiter)
    if not size_bytes:
        raise BodyEmptyError
    return size_bytes


async def receive_bytes(request: AnyRequest, *, limit_bytes: int) -> bytes:
    """The raw bytes of a small body, for signature verification.

    Raises BodyTooLargeError, BodyTooSlowError and BodyCutError.
    """
    async with _patience(SMALL_BODY_SECONDS):
        return b"".join([chunk async for chunk in chunks_of(request, limit_bytes)])


async def discard_body(request: AnyRequest, *, limit_bytes: int) -> None:
    """Read a body to its end, and forget it.

    A client reads the response once it has sent everything. Raises BodyTooLargeError, BodyTooSlowError, BodyCutError.
    """
    async with _patience(PATIENCE_SECONDS):
        async for _ in chunks_of(request, limit_bytes):
            pass


async def whole_body(request: AnyRequest) -> bytes:
    """A small body, which the request caches for the framework's decoder.

    The framework limits its size. Raises BodyTooSlowError and BodyCutError.
    """
    async with _patience(SMALL_BODY_SECONDS):
        try:
            return await request.body()
        except InternalServerException as error:  # the client disconnected, as below
            raise BodyCutError from error


async def chunks_of(request: AnyRequest, limit_bytes: int) -> AsyncIterator[bytes]:
    """The body in the pieces in which it arrives.

    Raises BodyTooLargeError, before the first piece if Content-Length says so, and BodyCutError.
    """
    announced = request.content_length
    if announced is not None and announced > limit_bytes:
        raise BodyTooLargeError(limit_bytes)
    size_bytes = 0
    try:
        async for chunk in request.stream():
            size_bytes += len(chunk)
            if size_bytes > limit_bytes:
                raise BodyTooLargeError(limit_bytes)
            yield chunk
    except InternalServerException as error:  # what the framework raises when the client disconnects
        raise BodyCutError from error


@asynccontextmanager
async def _patience(seconds: float) -> AsyncIterator[None]:
    """Limit the time for a body; raises BodyTooSlowError."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise BodyTooSlowError(seconds) from error
