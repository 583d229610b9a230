"""A stored file as an answer: opened before the answer begins, streamed in chunks, closed whatever happens."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Self
from urllib.parse import quote

import anyio
import structlog
from anyio import CapacityLimiter, to_thread
from litestar.types import Receive, Scope, Send

from domain.model.values import StoredObject
from domain.ports.storage import ObjectStore
from entrypoints.http.hanging_up import has_left

_log = structlog.get_logger(__name__)


class OpenedFile:
    """An object of the storage that is being read, each step of it in a thread."""

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
    async def open(cls, storage: ObjectStore, stored: StoredObject, limiter: CapacityLimiter) -> Self:
        """Open an object; raises UnavailableError or ObjectMissingError while there is still time to say so."""
        reading = storage.read(stored.key)
        return cls(reading, await to_thread.run_sync(reading.__enter__, limiter=limiter), limiter)

    @asynccontextmanager
    async def chunks(self) -> AsyncIterator[AsyncIterator[bytes]]:
        """The object's bytes; the connection to the storage is given back at the end, however it comes."""
        try:
            yield self._read()
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._reading.__exit__, None, None, None, limiter=self._limiter)

    async def _read(self) -> AsyncIterator[bytes]:
        while chunk := await to_thread.run_sync(next, self._chunks, b"", limiter=self._limiter):
            yield chunk


class FileAnswer:
    """An ASGI application that sends one file, or only its headers when there is nothing opened to send.

    ``when_sent`` is called in a thread once every byte was handed to the connection of a client who was still there.
    """

    def __init__(
        self,
        stored: StoredObject,
        file_name: str,
        opened: OpenedFile | None,
        when_sent: Callable[[], None],
    ) -> None:
        self._opened = opened
        self._when_sent = when_sent
        self._headers = {
            "Content-Type": stored.media_type,
            "Content-Length": str(stored.size_bytes),
            "Content-Disposition": disposition(file_name),
            "ETag": f'"{stored.sha256}"',
            "Cache-Control": "private, no-store",
            "Referrer-Policy": "no-referrer",
        }

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Send the headers, then the file."""
        headers = [(name.lower().encode(), value.encode()) for name, value in self._headers.items()]
        if self._opened is None:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        leaving = asyncio.create_task(has_left(receive))
        try:
            async with self._opened.chunks() as chunks:
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                is_whole = await self._send(chunks, send, leaving)
        finally:
            leaving.cancel()
        if is_whole:
            await self._tell()

    async def _send(self, chunks: AsyncIterator[bytes], send: Send, leaving: asyncio.Task[None]) -> bool:
        """Send the bytes; False when the client left before the last of them."""
        async for chunk in chunks:
            if leaving.done():
                return False
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return True

    async def _tell(self) -> None:
        """Have it put on record; the customer has the file, so a failure here is ours alone."""
        try:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._when_sent)
        except Exception:  # noqa: BLE001 -- whatever it was, the file is delivered
            _log.exception("download_not_recorded")


def disposition(file_name: str) -> str:
    """A Content-Disposition that saves under this name (RFC 6266): exactly, and in ASCII for old clients."""
    plain = "".join(char if char.isascii() and char.isprintable() else "_" for char in file_name)
    escaped = plain.replace("\\", "_").replace('"', "_")
    return f"attachment; filename=\"{escaped}\"; filename*=UTF-8''{quote(file_name, safe='')}"
