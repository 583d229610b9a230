"""Reading of stored objects with verification of their checksums."""

import hashlib
from collections.abc import Iterator

from domain.order.values import StoredObject
from domain.ports.errors import ObjectDiffersError
from domain.ports.object_storage import ObjectStorage


def read_verified(storage: ObjectStorage, stored: StoredObject) -> Iterator[bytes]:
    """Yield an object's bytes in chunks and verify their SHA-256.

    Raises ObjectMissingError, or ObjectDiffersError after the last chunk: until then the bytes are unverified.
    """
    digest = hashlib.sha256()
    with storage.read(stored.key) as chunks:
        for chunk in chunks:
            digest.update(chunk)
            yield chunk
    if digest.hexdigest() != stored.sha256:
        raise ObjectDiffersError(stored.key, expected_sha256=stored.sha256, found_sha256=digest.hexdigest())
