"""The port for object storage: write-once objects whose keys name their owner.

uploads/temp/{session}/{photo}          an upload, until upload cleanup
uploads/temp/{session}/{upload}/{part}  a piece of an upload, until the whole photo is stored
uploads/originals/{order}/{image}       the same bytes, owned by an order
uploads/restored/{order}/{prediction}   the output of a prediction
downloads/{order}/{fingerprint}.zip     an archive for the customer, named by the files in it
log/heads/{shop}/{head}                 the log's newest event, kept out of the database
trials/{id}                             whether the storage takes objects; deleted at once
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO, Protocol

from domain.order.values import ObjectKey, StoredObject


class ObjectOwner(StrEnum):
    """Who wrote an object, according to the token in its metadata."""

    OURS = "ours"
    FOREIGN = "foreign"  # its token is not this shop's
    UNMARKED = "unmarked"  # written by another program, or by this shop before tokens existed


@dataclass(frozen=True, kw_only=True)
class ObjectDescription:
    """An object without its bytes.

    ``labels`` are those that this shop wrote; none if another program did.
    """

    key: ObjectKey
    size_bytes: int
    media_type: str
    stored_at: datetime
    owner: ObjectOwner
    labels: Mapping[str, str] = field(default_factory=dict)


class ObjectStorage(Protocol):
    """Stores objects. Every method may raise UnavailableError."""

    def put(
        self,
        key: ObjectKey,
        content: BinaryIO,
        *,
        size_bytes: int,
        media_type: str,
        labels: Mapping[str, str] | None = None,
    ) -> StoredObject:
        """Store exactly ``size_bytes`` of ``content``; return the object with SHA-256.

        The object carries this shop's token and the labels: names of ``a-z-``, values of any text, 1,500 bytes in
        total.

        Keys are written once: a repeat with the same bytes is idempotent; with other bytes ObjectDiffersError is
        raised and nothing is changed.
        """

    def copy(self, source: StoredObject, target: ObjectKey) -> StoredObject:
        """Copy an object with its labels and verify the copy's SHA-256.

        It is idempotent. Raise ObjectMissingError without a source, and ObjectDiffersError if the copy's bytes are
        not those recorded for the source.
        """

    def describe(self, key: ObjectKey) -> ObjectDescription:
        """An object's metadata; raise ObjectMissingError."""

    def read(
        self, key: ObjectKey, *, offset: int = 0, size_bytes: int | None = None
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes in chunks, or ``size_bytes`` of them from ``offset``.

        A part must be within the object. Raise ObjectMissingError on entering.
        """

    def delete(self, keys: Iterable[ObjectKey]) -> None:
        """Delete objects; missing ones are ignored."""

    def purge(self, prefix: str) -> int:
        """Delete every version under a prefix; return how many entries.

        Each version, delete marker and unfinished upload counts as one. When this returns, nothing is listed under
        the prefix any more; an empty prefix is no error.
        """

    def keys(self, prefix: str) -> Iterator[ObjectKey]:
        """Every key that starts with ``prefix``."""

    def check(self) -> None:
        """Raise UnavailableError unless the storage replies and the bucket exists."""
