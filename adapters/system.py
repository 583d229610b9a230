"""Ids and temporary files of this machine."""

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

#: Most photos fit, and a worker holds only a few at a time.
_SCRATCH_IN_MEMORY_BYTES = 8 * 1024 * 1024

#: Error numbers of a file that cannot grow: the disk, the user's quota or the process's limit is used up.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
#: By then other temporary files are deleted.
_FULL_RETRY_SECONDS = 30.0

_RANDOM_BITS = 74
_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62


class TimeOrderedIds:
    """UUIDs of version 7 (RFC 9562), sorted by time.

    The order keeps PostgreSQL's indexes compact.
    """

    def new(self) -> UUID:
        """Return a new id; within a millisecond the order is random."""
        milliseconds = time.time_ns() // 1_000_000
        random_bits = secrets.randbits(_RANDOM_BITS)
        first, second = random_bits >> 62, random_bits & ((1 << 62) - 1)
        return UUID(int=(milliseconds << 80) | _VERSION_7 | (first << 64) | _VARIANT | second)


class TemporaryFiles:
    """Temporary files, in memory while they are small.

    Args:
        folder: where they are; by default the system's folder for temporary files (TMPDIR).
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = str(folder or gettempdir())

    @contextmanager
    def file(self) -> Iterator[BinaryIO]:
        """Yield an empty file, deleted when the block ends.

        Raises UnavailableError when the disk is full.
        """
        try:
            with SpooledTemporaryFile(max_size=_SCRATCH_IN_MEMORY_BYTES, dir=self._folder) as file:
                yield cast("BinaryIO", file)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise UnavailableError(
                "The disk for temporary files",
                f"{self._folder} is full ({error.strerror}); free some space, or point TMPDIR at another folder",
                retry_after_seconds=_FULL_RETRY_SECONDS,
            ) from error
