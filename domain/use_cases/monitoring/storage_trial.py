"""Whether the storage takes objects, tried with one."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO

from domain.order.values import ObjectKey
from domain.ports.errors import ObjectMissingError
from domain.ports.ids import Ids
from domain.ports.object_storage import ObjectOwner, ObjectStorage

#: Not among the shop's own objects.
TRIAL_PREFIX = "trials/"

#: More than what is left of a page of a full disk, and nothing that a server can compress.
_SIZE_BYTES = 8192


@dataclass(frozen=True)
class StorageTrial:
    """Stores an object and deletes it: a full storage still reads."""

    storage: ObjectStorage
    ids: Ids

    def __call__(self) -> None:
        """Raise UnavailableError unless the storage takes an object."""
        key = ObjectKey(f"{TRIAL_PREFIX}{self.ids.new()}")
        content = hashlib.shake_256(key.encode()).digest(_SIZE_BYTES)
        self.storage.put(key, BytesIO(content), size_bytes=_SIZE_BYTES, media_type="application/octet-stream")
        for found in self.storage.keys(TRIAL_PREFIX):  # with what a killed process left
            with suppress(ObjectMissingError):  # another process's, which has ended
                if self.storage.describe(found).owner is ObjectOwner.OURS:
                    self.storage.purge(found)
