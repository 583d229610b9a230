"""Files are read several chunks at once, and sent singly."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident

from anyio import CapacityLimiter

from entrypoints.http.file_responses import CHUNKS_AT_ONCE, OpenedFile


def test_a_thread_reads_one_chunk_and_then_several_at_once_and_each_is_handed_on() -> None:
    chunks = [bytes([number]) for number in range(2 + 2 * CHUNKS_AT_ONCE)]
    read_when_sent: list[int] = []
    read: list[int] = []  # the thread of each

    def reading() -> Iterator[bytes]:
        for chunk in chunks:
            read.append(get_ident())
            yield chunk

    @contextmanager
    def opened() -> Iterator[None]:
        yield

    async def sent() -> list[bytes]:
        context = opened()
        context.__enter__()
        file = OpenedFile(context, reading(), CapacityLimiter(1))  # type: ignore[arg-type]
        received = []
        async with file.chunks() as stream:
            async for chunk in stream:
                received.append(chunk)
                read_when_sent.append(len(read))
        return received

    assert asyncio.run(sent()) == chunks
    first, second, third = 1, 1 + CHUNKS_AT_ONCE, 1 + 2 * CHUNKS_AT_ONCE
    assert read_when_sent == [first, *[second] * CHUNKS_AT_ONCE, *[third] * CHUNKS_AT_ONCE, len(chunks)]
    assert get_ident() not in read
