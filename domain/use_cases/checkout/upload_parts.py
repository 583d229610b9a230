"""The parts of a resumable upload, each an object of its own."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from domain.order.values import ObjectKey
from domain.ports.errors import UnavailableError
from domain.ports.object_storage import ObjectStorage

_MEDIA_TYPE = "application/octet-stream"
_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class UploadParts:
    """Stores parts, and writes them into one file."""

    storage: ObjectStorage

    def put(self, key: ObjectKey, content: BinaryIO, size_bytes: int) -> None:
        """Store the first ``size_bytes`` of a file as a part."""
        content.seek(0)
        self.storage.put(key, content, size_bytes=size_bytes, media_type=_MEDIA_TYPE)

    def assemble(self, part_keys: Sequence[ObjectKey], piece: BinaryIO, whole: BinaryIO) -> None:
        """Write parts and the piece after them; raises ObjectMissingError."""
        for key in part_keys:
            with self.storage.read(key) as chunks:
                whole.writelines(chunks)
        piece.seek(0)
        while chunk := piece.read(_CHUNK_BYTES):
            whole.write(chunk)

    def delete(self, part_keys: Sequence[ObjectKey]) -> None:
        """Delete parts; those that cannot be deleted now go with their session."""
        with suppress(UnavailableError):
            self.storage.delete(part_keys)
