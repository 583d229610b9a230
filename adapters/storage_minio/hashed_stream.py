"""Content that is hashed while it is written."""

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

from domain.order.values import Sha256

#: Bounds memory, and is large enough that Python is not the bottleneck.
CHUNK_BYTES = 256 * 1024


class HashedStream:
    """A stream of exactly ``size_bytes``, hashed while it is read.

    Raises ValueError if the content ends before.
    """

    def __init__(self, content: BinaryIO, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self._content = content
        self._left = size_bytes
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        """Yield the remaining bytes in chunks."""
        return self.part(self._left)

    def part(self, size_bytes: int) -> Iterator[bytes]:
        """Yield the next bytes in chunks, at most ``size_bytes``."""
        end = max(self._left - size_bytes, 0)
        while self._left > end:
            chunk = self._content.read(min(CHUNK_BYTES, self._left - end))
            if not chunk:
                raise ValueError(
                    f"The content ends {self._left} bytes before its {self.size_bytes} bytes are reached."
                )
            self._left -= len(chunk)
            self._digest.update(chunk)
            yield chunk

    def sha256(self) -> Sha256:
        """Return the hash of the whole content, reading the rest."""
        for _ in self:
            continue
        return Sha256(self._digest.hexdigest())
