"""Time, ids and room for large files, from the machine the shop runs on."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast
from uuid import UUID

#: Most photos fit; a handful of workers holding one each is nothing.
_SCRATCH_IN_MEMORY_BYTES = 8 * 1024 * 1024

_RANDOM_BITS = 74
_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current moment, UTC."""
        return datetime.now(UTC)


class TimeOrderedIds:
    """Ids of RFC 9562's version 7: 48 bits of milliseconds, then chance. PostgreSQL likes them for their order."""

    def new(self) -> UUID:
        """A fresh id; of two made in the same millisecond either may sort first."""
        milliseconds = time.time_ns() // 1_000_000
        chance = secrets.randbits(_RANDOM_BITS)
        first, second = chance >> 62, chance & ((1 << 62) - 1)
        return UUID(int=(milliseconds << 80) | _VERSION_7 | (first << 64) | _VARIANT | second)


class TemporaryFiles:
    """Temporary files: in memory while they are small, on the disk from there on."""

    @contextmanager
    def file(self) -> Iterator[BinaryIO]:
        """An empty file to write and read, gone when the block ends."""
        with SpooledTemporaryFile(max_size=_SCRATCH_IN_MEMORY_BYTES) as file:
            yield cast("BinaryIO", file)
