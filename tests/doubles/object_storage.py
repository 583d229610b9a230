"""An object storage in memory."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from domain.order.values import ObjectKey, Sha256, StoredObject
from domain.ports.clock import Clock
from domain.ports.errors import ObjectDiffersError, ObjectMissingError
from domain.ports.object_storage import ObjectDescription, ObjectOwner
from domain.ports.provider_listings import ListedObject, TakeUnreadable, UnreadableEntry, refuse_unreadable
from tests.doubles.clock import StoppedClock
from tests.doubles.fault_injection import FaultInjector

CHUNK_BYTES = 64 * 1024


@dataclass
class InMemoryStorage:
    """Keeps bytes under write-once keys.

    ``objects`` is its ledger; a test may damage what is in it.
    """

    objects: dict[ObjectKey, bytes] = field(default_factory=dict)
    stored_at: dict[ObjectKey, datetime] = field(default_factory=dict)
    garbled: set[ObjectKey] = field(default_factory=set)  # listed in a shape that cannot be read
    described: dict[ObjectKey, ObjectDescription] = field(default_factory=dict)
    clock: Clock = field(default_factory=StoppedClock)
    fault_injector: FaultInjector = field(default_factory=FaultInjector)

    def put(
        self,
        key: ObjectKey,
        content: BinaryIO,
        *,
        size_bytes: int,
        media_type: str,
        labels: Mapping[str, str] | None = None,
    ) -> StoredObject:
        with self.fault_injector.over("put", key):
            data = content.read(size_bytes)
            if len(data) < size_bytes:
                raise ValueError(f"The content ends {size_bytes - len(data)} bytes too early.")
            return self._keep(key, data, _sha256(data), media_type, labels or {})

    def copy(self, source: StoredObject, target: ObjectKey) -> StoredObject:
        with self.fault_injector.over("copy", target):
            if target not in self.objects and source.key not in self.objects:
                raise ObjectMissingError(source.key)
            data = self.objects[target] if target in self.objects else self.objects[source.key]
            if _sha256(data) != source.sha256:
                raise ObjectDiffersError(target, expected_sha256=source.sha256, found_sha256=_sha256(data))
            labels = self.described[source.key].labels if source.key in self.described else {}
            return self._keep(target, data, source.sha256, source.media_type, labels)

    def describe(self, key: ObjectKey) -> ObjectDescription:
        with self.fault_injector.over("describe", key):
            if key not in self.objects:
                raise ObjectMissingError(key)
            return self.described[key]

    @contextmanager
    def read(
        self, key: ObjectKey, *, offset: int = 0, size_bytes: int | None = None
    ) -> Iterator[Iterator[bytes]]:
        with self.fault_injector.over("read", key):
            if key not in self.objects:
                raise ObjectMissingError(key)
            end = None if size_bytes is None else offset + size_bytes
            data = self.objects[key][offset:end]
            yield (data[start : start + CHUNK_BYTES] for start in range(0, len(data), CHUNK_BYTES))

    def delete(self, keys: Iterable[ObjectKey]) -> None:
        for key in keys:
            with self.fault_injector.over("delete", key):
                self._forget(key)

    def purge(self, prefix: str) -> int:
        with self.fault_injector.over("purge", prefix):
            gone = [key for key in self.objects if key.startswith(prefix)]
            for key in gone:
                self._forget(key)
            return len(gone)

    def keys(self, prefix: str) -> Iterator[ObjectKey]:
        with self.fault_injector.over("keys", prefix):
            yield from sorted(key for key in self.objects if key.startswith(prefix))

    def objects_under(
        self, prefix: str, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[ListedObject]:
        with self.fault_injector.over("objects", prefix):
            for key in sorted(key for key in self.objects if key.startswith(prefix)):
                if key in self.garbled:
                    entry = UnreadableEntry(provider="storage", kind="object", entry_id=key, detail="no size")
                    unreadable(entry)
                    continue
                yield ListedObject(
                    key=key,
                    size_bytes=len(self.objects[key]),
                    stored_at=self.stored_at.get(key, self.clock.now()),
                )

    def check(self) -> None:
        with self.fault_injector.over("check", ""):
            return

    def _forget(self, key: ObjectKey) -> None:
        self.objects.pop(key, None)
        self.described.pop(key, None)
        self.stored_at.pop(key, None)

    def _keep(
        self, key: ObjectKey, data: bytes, sha256: Sha256, media_type: str, labels: Mapping[str, str]
    ) -> StoredObject:
        found = _sha256(self.objects.setdefault(key, data))
        self.stored_at.setdefault(key, self.clock.now())
        description = ObjectDescription(
            key=key,
            size_bytes=len(data),
            media_type=media_type,
            stored_at=self.stored_at[key],
            owner=ObjectOwner.OURS,
            labels=dict(labels),
        )
        self.described.setdefault(key, description)
        if found != sha256:
            raise ObjectDiffersError(key, expected_sha256=sha256, found_sha256=found)
        return StoredObject(key=key, sha256=sha256, size_bytes=len(data), media_type=media_type)


def _sha256(data: bytes) -> Sha256:
    return Sha256(hashlib.sha256(data).hexdigest())
