"""Ids and room for large files, from the machine the shop runs on."""

import errno
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile, gettempdir
from typing import BinaryIO, cast
from uuid import UUID

from domain.ports.errors import UnavailableError

#: Most photos fit; a handful of workers holding one each is nothing.
_SCRATCH_IN_MEMORY_BYTES = 8 * 1024 * 1024

#: What the system says when a file cannot grow: the disk, the user's quota or the process's limit is used up.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
#: Others' temporary files are gone by then.
_FULL_RETRY_SECONDS = 30.0

_RANDOM_BITS = 74
_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62


class TimeOrderedIds:
    """Ids of RFC 9562's version 7: 48 bits of milliseconds, then chance. PostgreSQL likes them for their order."""

    def new(self) -> UUID:
        """A fresh id; of two made in the same millisecond either may sort first."""
        milliseconds = time.time_ns() // 1_000_000
        chance = secrets.randbits(_RANDOM_BITS)
        first, second = chance >> 62, chance & ((1 << 62) - 1)
        return UUID(int=(milliseconds << 80) | _VERSION_7 | (first << 64) | _VARIANT | second)


class TemporaryFiles:
    """Temporary files: in memory while they are small, on the disk from there on.

    Args:
        folder: where they are; by default the system's folder for temporary files (TMPDIR).
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = str(folder or gettempdir())

    @contextmanager
    def file(self) -> Iterator[BinaryIO]:
        """An empty file to write and read, gone when the block ends; raises UnavailableError when the disk is full."""
        try:
            with SpooledTemporaryFile(max_size=_SCRATCH_IN_MEMORY_BYTES, dir=self._folder) as file:
                yield cast("BinaryIO", file)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise UnavailableError(
                "The disk for temporary files",
                f"{self._folder} is full ({error.strerror}); free some room, or point TMPDIR at another folder",
                retry_after_seconds=_FULL_RETRY_SECONDS,
            ) from error
