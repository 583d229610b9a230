"""Receiving of a piece of an upload, stored while it arrives.

A line may break at any byte: what arrived until then is kept as far as possible.
"""

import asyncio
import hmac
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, BinaryIO

from anyio import CapacityLimiter, to_thread

from domain.ports.cancellation import Cancellation
from domain.ports.resumable_uploads import ResumableUpload
from domain.ports.scratch_files import ScratchFiles
from domain.use_cases.checkout.resumable_uploads import ResumableUploadService
from entrypoints.http import request_bodies
from entrypoints.http.client_disconnect import run_for_client
from entrypoints.http.errors import BodyCutError, BodyTooSlowError, RequestError
from entrypoints.http.request_bodies import AnyRequest
from entrypoints.http.tus_protocol import Checksum, ChecksumMismatchError

#: A part is stored once it has this size, so that memory and the loss at a crash are bounded ...
PART_BYTES = 16 * 1024 * 1024
#: ... or after this time with at least so many bytes, so that a slow line does not lose minutes.
PART_SECONDS = 10.0
SLOW_PART_BYTES = 256 * 1024


@dataclass(eq=False)
class PieceReceiver:
    """Receives one piece at the offset of an upload."""

    request: AnyRequest
    service: ResumableUploadService
    scratch: ScratchFiles
    limiter: CapacityLimiter
    upload: ResumableUpload
    checksum: Checksum | None = None

    async def receive(self) -> ResumableUpload:
        """Store the body; return the upload with its new offset.

        The last piece adds the photo. A piece with a checksum is kept whole or not at all. Raises BodyTooLargeError,
        BodyCutError, BodyTooSlowError if nothing arrived in time, ChecksumMismatchError, and what
        ``ResumableUploadService`` raises.
        """
        self._hash: Any = self.checksum.new_hash() if self.checksum else None
        self._batch = bytearray()
        self._stored_at = asyncio.get_running_loop().time()
        begun_at_bytes = self.upload.offset_bytes
        with ExitStack() as files:
            self._file: BinaryIO = files.enter_context(self.scratch.file())
            self._file_bytes = 0
            interruption = await self._receive_body()
            await self._write_batch()
            self._check(interruption)
            if self.upload.offset_bytes + self._file_bytes == self.upload.size_bytes:
                return await self._complete()
            await self._append()
        is_resumable = (
            isinstance(interruption, BodyTooSlowError) and self.upload.offset_bytes > begun_at_bytes
        )
        if interruption is not None and not is_resumable:
            raise interruption
        return self.upload

    async def _receive_body(self) -> RequestError | None:
        """Receive until the end, or until what is returned interrupts it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + request_bodies.PATIENCE_SECONDS
        chunks = request_bodies.chunks_of(self.request, self.upload.size_bytes - self.upload.offset_bytes)
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    chunk = await anext(chunks)
            except StopAsyncIteration:
                return None
            except TimeoutError:
                return BodyTooSlowError(request_bodies.PATIENCE_SECONDS)
            except BodyCutError as error:
                return error
            self._batch += chunk
            if len(self._batch) >= request_bodies.BATCH_BYTES:
                await self._write_batch()
            if self._is_part_due(loop.time()):
                await self._write_batch()
                await self._append()

    def _is_part_due(self, now: float) -> bool:
        if self.checksum is not None:
            return False
        waiting_bytes = self._file_bytes + len(self._batch)
        if self.upload.offset_bytes + waiting_bytes >= self.upload.size_bytes:
            return False  # the end is here, and is stored with the photo
        is_slow = now - self._stored_at >= PART_SECONDS and waiting_bytes >= SLOW_PART_BYTES
        return is_slow or waiting_bytes >= PART_BYTES

    def _check(self, interruption: RequestError | None) -> None:
        if self.checksum is None:
            return
        if interruption is not None:
            raise interruption
        if not hmac.compare_digest(self._hash.digest(), self.checksum.digest):
            raise ChecksumMismatchError

    async def _write_batch(self) -> None:
        batch, self._batch = self._batch, bytearray()
        if not batch:
            return
        if self._hash is not None:
            self._hash.update(batch)
        self._file_bytes += await to_thread.run_sync(self._file.write, batch, limiter=self.limiter)

    async def _append(self) -> None:
        """Store what the file holds as a part, and empty it."""
        if not self._file_bytes:
            return
        self.upload = await to_thread.run_sync(
            self.service.append, self.upload, self._file, self._file_bytes, limiter=self.limiter
        )
        self._file.seek(0)
        self._file.truncate()
        self._file_bytes = 0
        self._stored_at = asyncio.get_running_loop().time()

    async def _complete(self) -> ResumableUpload:
        if self.upload.is_complete:
            return self.upload  # the response to its last piece was lost

        def complete(cancellation: Cancellation) -> ResumableUpload:
            return self.service.complete(self.upload, self._file, self._file_bytes, cancellation=cancellation)

        return await run_for_client(self.request, complete, limiter=self.limiter)
