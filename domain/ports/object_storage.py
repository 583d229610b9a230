"""The storage: write-once objects under keys that say whose they are.

uploads/temp/{session}/{photo}          what a visitor sent, until housekeeping
uploads/originals/{order}/{image}       the same bytes, belonging to an order
uploads/restored/{order}/{prediction}   what the restorer made of it
downloads/{order}/{fingerprint}.zip     the archive the customer fetches, named by the files in it
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO, Protocol

from domain.order.values import ObjectKey, StoredObject


class ObjectOwner(StrEnum):
    """Who wrote an object, by the mark in its metadata."""

    OURS = "ours"
    FOREIGN = "foreign"  # it carries a mark that this shop did not make
    UNMARKED = "unmarked"  # another program wrote it, or this shop before there were marks


@dataclass(frozen=True, kw_only=True)
class ObjectDescription:
    """An object without its bytes; ``labels`` are what this shop wrote of it, none if another did."""

    key: ObjectKey
    size_bytes: int
    media_type: str
    stored_at: datetime
    owner: ObjectOwner
    labels: Mapping[str, str] = field(default_factory=dict)


class ObjectStorage(Protocol):
    """Keeps bytes. Every method may raise UnavailableError."""

    def put(
        self,
        key: ObjectKey,
        content: BinaryIO,
        *,
        size_bytes: int,
        media_type: str,
        labels: Mapping[str, str] | None = None,
    ) -> StoredObject:
        """Store exactly ``size_bytes`` read from ``content`` and tell their SHA-256.

        The object carries this shop's mark and the labels: names of ``a-z-``, values of any text, 1,500 bytes in all.

        Keys are written once: if the key is taken by the same bytes this is a harmless repeat, and if it is taken by
        others ObjectDiffersError is raised and nothing is changed.
        """
        ...

    def copy(self, source: StoredObject, target: ObjectKey) -> StoredObject:
        """Copy an object with its labels within the storage and verify the copy's bytes by their SHA-256.

        Repeating it is harmless. Raises ObjectMissingError if there is no source and ObjectDiffersError if the
        copy's bytes are not those recorded for the source.
        """
        ...

    def describe(self, key: ObjectKey) -> ObjectDescription:
        """What the storage knows of an object besides its bytes; raises ObjectMissingError."""
        ...

    def read(
        self, key: ObjectKey, *, offset: int = 0, size_bytes: int | None = None
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The object's bytes in chunks, or so many of them from ``offset`` on; raises ObjectMissingError on entering.

        A part must be within the object.
        """
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
