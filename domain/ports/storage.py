"""The storage: write-once objects under keys that say whose they are.

uploads/temp/{session}/{photo}          what a visitor sent, until housekeeping
uploads/originals/{order}/{image}       the same bytes, belonging to an order
uploads/restored/{order}/{prediction}   what the restorer made of it
downloads/{order}/{fingerprint}.zip     the archive the customer fetches, named by the files in it
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from domain.model.values import ObjectKey, StoredObject


class ObjectStore(Protocol):
    """Keeps bytes. Every method may raise UnavailableError."""

    def put(self, key: ObjectKey, content: BinaryIO, *, size_bytes: int, media_type: str) -> StoredObject:
        """Store exactly ``size_bytes`` read from ``content`` and tell their SHA-256.

        Keys are written once: if the key is taken by the same bytes this is a harmless repeat, and if it is taken by
        others ObjectDiffersError is raised and nothing is changed.
        """
        ...

    def copy(self, source: StoredObject, target: ObjectKey) -> StoredObject:
        """Copy an object within the storage and verify the copy's bytes by their SHA-256.

        Repeating it is harmless. Raises ObjectMissingError if there is no source and ObjectDiffersError if the
        copy's bytes are not those recorded for the source.
        """
        ...

    def read(self, key: ObjectKey) -> AbstractContextManager[Iterator[bytes]]:
        """The object's bytes in chunks; raises ObjectMissingError on entering."""
        ...

    def delete(self, keys: Iterable[ObjectKey]) -> None:
        """Remove objects; a key without an object is no error."""
        ...

    def purge(self, prefix: str) -> int:
        """Remove all that was ever stored under keys that start with ``prefix``, and tell how much that was.

        Every version, every mark of a deletion and every upload that was begun and never ended counts as one. When
        this returns, nothing is listed there any more; a prefix without anything is no error.
        """
        ...

    def keys(self, prefix: str) -> Iterator[ObjectKey]:
        """Every key that starts with ``prefix``."""
        ...

    def check(self) -> None:
        """Raise UnavailableError unless the storage answers and the bucket is there."""
        ...
