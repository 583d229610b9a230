"""Access to objects that this shop stored.

After a restore, only objects with this shop's signature are evidence.
"""

import hashlib
from collections.abc import Iterator

from domain.order.values import ObjectKey, Sha256, StoredObject
from domain.ports.object_storage import ObjectDescription, ObjectOwner, ObjectStorage


class OwnObjects:
    """Reads the shop's own objects."""

    def __init__(self, storage: ObjectStorage) -> None:
        self._storage = storage

    def under(self, prefix: str) -> Iterator[ObjectDescription]:
        """Yield the shop's own objects below a prefix, without other shops'."""
        for key in self._storage.keys(prefix):
            described = self._storage.describe(key)
            if described.owner is ObjectOwner.OURS:
                yield described

    def recorded(self, described: ObjectDescription, key: ObjectKey) -> StoredObject:
        """Describe an object as an event would name it, under this key.

        The checksum is computed from the stored bytes.
        """
        digest = hashlib.sha256()
        with self._storage.read(described.key) as chunks:
            for chunk in chunks:
                digest.update(chunk)
        return StoredObject(
            key=key,
            sha256=Sha256(digest.hexdigest()),
            size_bytes=described.size_bytes,
            media_type=described.media_type,
        )
