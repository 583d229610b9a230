"""Responses that stream a stored file.

The file is opened before the response begins, streamed in chunks, and closed in every case.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from itertools import islice
from typing import Self
from urllib.parse import quote

import anyio
import structlog
from anyio import CapacityLimiter, to_thread
from litestar.types import Receive, Scope, Send

from domain.order.values import StoredObject
from domain.ports.object_storage import ObjectStorage
from entrypoints.http.byte_ranges import ByteRange
from entrypoints.http.client_disconnect import has_left

_log = structlog.get_logger(__name__)

#: How many chunks a thread reads at once: starting a thread takes longer than reading one. A client with a slow
#: connection still gets them one by one, so that it has as much time for each.
CHUNKS_AT_ONCE = 4


class OpenedFile:
    """An open object of the storage; blocking calls run in threads."""

    def __init__(
        self,
        reading: AbstractContextManager[Iterator[bytes]],
        chunks: Iterator[bytes],
        limiter: CapacityLimiter,
    ) -> None:
        self._reading = reading
        self._chunks = chunks
        self._limiter = limiter

    @classmethod
    async def open(
        cls, storage: ObjectStorage, stored: StoredObject, part: ByteRange | None, limiter: CapacityLimiter
    ) -> Self:
        """Open an object or a part of it.

        Raises UnavailableError or ObjectMissingError, before any byte is sent.
        """
        if part is None:
            reading = storage.read(stored.key)
        else:
            reading = storage.read(stored.key, offset=part.first, size_bytes=part.size_bytes)
        return cls(reading, await to_thread.run_sync(reading.__enter__, limiter=limiter), limiter)

    @asynccontextmanager
    async def chunks(self) -> AsyncIterator[AsyncIterator[bytes]]:
        """The object's bytes; on exit the connection to the storage is released."""
        try:
            yield self._read()
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._reading.__exit__, None, None, None, limiter=self._limiter)

    async def _read(self) -> AsyncIterator[bytes]:
        count = 1  # the client waits for the first
        while chunks := await to_thread.run_sync(self._next, count, limiter=self._limiter):
            for chunk in chunks:
                yield chunk
            count = CHUNKS_AT_ONCE

    def _next(self, count: int) -> list[bytes]:
        return list(islice(self._chunks, count))


class FileAnswer:
    """An ASGI application that sends a file or a part of it.

    Without an opened file it sends only the headers. ``when_sent`` is called in a thread once the last byte of the file
    was handed to the connection of a client that had not disconnected, so a resumed download counts once.
    """

    def __init__(
        self,
        stored: StoredObject,
        file_name: str,
        opened: OpenedFile | None,
        when_sent: Callable[[], None],
        *,
        part: ByteRange | None = None,
    ) -> None:
        self._opened = opened
        self._when_sent = when_sent
        self._part = part
        self._headers = {
            "Content-Type": stored.media_type,
            "Content-Length": str(stored.size_bytes if part is None else part.size_bytes),
            "Content-Disposition": disposition(file_name),
            "Accept-Ranges": "bytes",
            "ETag": etag_of(stored),
            "Cache-Control": "private, no-store",
            "Referrer-Policy": "no-referrer",
        }
        if part is not None:
            self._headers["Content-Range"] = part.content_range

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Send the headers, then the file."""
        headers = [(name.lower().encode(), value.encode()) for name, value in self._headers.items()]
        status = 200 if self._part is None else 206
        if self._opened is None:
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        leaving = asyncio.create_task(has_left(receive))
        try:
            async with self._opened.chunks() as chunks:
                await send({"type": "http.response.start", "status": status, "headers": headers})
                is_whole = await self._send(chunks, send, leaving)
        finally:
            leaving.cancel()
        if is_whole and (self._part is None or self._part.is_to_the_end):
            await self._call_when_sent()

    async def _send(self, chunks: AsyncIterator[bytes], send: Send, leaving: asyncio.Task[None]) -> bool:
        """Send the bytes; False if the client disconnected before the last."""
        async for chunk in chunks:
            if leaving.done():
                return False
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return True

    async def _call_when_sent(self) -> None:
        """Call ``when_sent``; log its failure, because the customer has the file."""
        try:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._when_sent)
        except Exception:  # noqa: BLE001 -- the file is delivered in any case
            _log.exception("download_not_recorded")


def etag_of(stored: StoredObject) -> str:
    """A strong entity tag, made of the content's SHA-256."""
    return f'"{stored.sha256}"'


def disposition(file_name: str) -> str:
    """A Content-Disposition that saves under this name (RFC 6266).

    It has the exact name, and an ASCII form for old clients.
    """
    plain = "".join(char if char.isascii() and char.isprintable() else "_" for char in file_name)
    escaped = plain.replace("\\", "_").replace('"', "_")
    return f"attachment; filename=\"{escaped}\"; filename*=UTF-8''{quote(file_name, safe='')}"
