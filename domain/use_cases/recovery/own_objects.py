"""What this shop stored itself: only objects that carry its mark tell anything after a restore."""

import hashlib
from collections.abc import Iterator

from domain.order.values import ObjectKey, Sha256, StoredObject
from domain.ports.object_storage import ObjectDescription, ObjectOwner, ObjectStorage


class OwnObjects:
    """Reads the shop's own objects."""

    def __init__(self, storage: ObjectStorage) -> None:
        self._storage = storage

    def under(self, prefix: str) -> Iterator[ObjectDescription]:
        """The shop's own objects below a prefix; other shops' are left out."""
        for key in self._storage.keys(prefix):
            described = self._storage.describe(key)
            if described.owner is ObjectOwner.OURS:
                yield described

    def recorded(self, described: ObjectDescription, key: ObjectKey) -> StoredObject:
        """An object as an event would name it, under this key, with the hash of the bytes that are there."""
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
