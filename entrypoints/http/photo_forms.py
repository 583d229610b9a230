"""Photos in an HTML form, read without keeping them in memory.

A browser without scripts sends all chosen photos as one ``multipart/form-data`` body. Each is written to a scratch file
and handed on before the next one is read, so the sender waits while a photo is inspected.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO

from anyio import CapacityLimiter, to_thread
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from domain.ports.scratch_files import ScratchFiles
from entrypoints.http.errors import BodyCutError, BodyTooSlowError, MalformedError, NotAPhotoFormError
from entrypoints.http.request_bodies import BATCH_BYTES, PATIENCE_SECONDS, AnyRequest, chunks_of

#: Fields besides the photos; the shop's own form has none.
_OTHER_FIELDS = 8

#: What the form adds to each photo: a boundary and three headers.
_OVERHEAD_BYTES = 8 * 1024


@dataclass(frozen=True, kw_only=True)
class SentFile:
    """A file of a form; valid until the next file is requested.

    A file larger than the limit has no content: its bytes were discarded.
    """

    name: str
    size_bytes: int
    content: BinaryIO | None


async def files_of(
    request: AnyRequest, scratch: ScratchFiles, *, limit_bytes: int, max_files: int, limiter: CapacityLimiter
) -> AsyncIterator[SentFile]:
    """The files of a form in the order of their arrival.

    A field in which no file was chosen is left out. The limits of size and time apply to each file. Raises
    NotAPhotoFormError, MalformedError, BodyTooLargeError, BodyTooSlowError and BodyCutError.
    """
    parser = _parser_for(request, max_files)
    chunks = chunks_of(request, max_files * (limit_bytes + _OVERHEAD_BYTES))
    clock = asyncio.get_running_loop()
    deadline, incoming = clock.time() + PATIENCE_SECONDS, None
    with ExitStack() as scratch_file:
        while not parser.closed:
            for event in _events(parser, await _next(chunks, deadline)):
                if isinstance(event, MultipartSegment):
                    if event.filename:
                        file = scratch_file.enter_context(scratch.file())
                        incoming = _IncomingFile(event.filename, file, limit_bytes, limiter)
                elif incoming is None:
                    continue  # a field without a file
                elif event is not None:
                    await incoming.write(event)
                else:
                    yield await incoming.finished()
                    scratch_file.close()
                    deadline, incoming = clock.time() + PATIENCE_SECONDS, None


class _IncomingFile:
    """A file that is being written in batches by threads."""

    def __init__(self, name: str, file: BinaryIO, limit_bytes: int, limiter: CapacityLimiter) -> None:
        self._name = name
        self._file = file
        self._limit_bytes = limit_bytes
        self._limiter = limiter
        self._batch = bytearray()
        self._size_bytes = 0

    async def write(self, chunk: bytes | bytearray) -> None:
        """Append bytes; those beyond the limit are only counted."""
        self._size_bytes += len(chunk)
        if self._is_too_large:
            return
        self._batch += chunk
        if len(self._batch) >= BATCH_BYTES:
            await self._flush()

    async def finished(self) -> SentFile:
        """The whole file, or only its size if it is too large."""
        await self._flush()
        content = None if self._is_too_large else self._file
        return SentFile(name=self._name, size_bytes=self._size_bytes, content=content)

    @property
    def _is_too_large(self) -> bool:
        return self._size_bytes > self._limit_bytes

    async def _flush(self) -> None:
        batch, self._batch = self._batch, bytearray()
        await to_thread.run_sync(self._file.write, batch, limiter=self._limiter)


def _parser_for(request: AnyRequest, max_files: int) -> PushMultipartParser:
    content_type, options = parse_options_header(request.headers.get("content-type", ""))
    if content_type != "multipart/form-data" or not options.get("boundary"):
        raise NotAPhotoFormError
    try:
        # More than the shop accepts: the customer learns which photos were too many.
        return PushMultipartParser(options["boundary"], max_segment_count=2 * max_files + _OTHER_FIELDS)
    except MultipartError as error:
        raise NotAPhotoFormError from error


def _events(
    parser: PushMultipartParser, chunk: bytes
) -> Iterator[MultipartSegment | bytes | bytearray | None]:
    """What a chunk holds; raises MalformedError."""
    try:
        yield from parser.parse(chunk)
    except MultipartError as error:
        raise MalformedError("its form is not well-formed") from error


async def _next(chunks: AsyncIterator[bytes], deadline: float) -> bytes:
    """The next bytes of the body; raises BodyTooSlowError or BodyCutError."""
    try:
        async with asyncio.timeout_at(deadline):
            return await anext(chunks)
    except TimeoutError as error:
        raise BodyTooSlowError(PATIENCE_SECONDS) from error
    except StopAsyncIteration as error:
        raise BodyCutError from error
