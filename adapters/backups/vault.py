"""Backups as objects in an S3 bucket.

backups/manifests/{backup}.json      written last; a backup without one does not count
backups/data/{backup}/{name}/{part}  its encrypted streams, in parts of PART_BYTES
backups/wal/{cluster}/{file}         the archived log of a cluster (see ``wal_archive``)
"""

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO

import msgspec

from adapters.backups.compression import compressed, decompressed
from adapters.backups.encryption import decrypted, encrypted
from domain.order.values import ObjectKey, Sha256
from domain.ports.backups import BackupManifest, BackupPart, BackupVault, UndecryptableError
from domain.ports.errors import ObjectDiffersError
from domain.ports.object_storage import ObjectOwner, ObjectStorage

#: A part is held in memory, so that it can be sent again.
PART_BYTES = 32 * 1024 * 1024

MANIFESTS = "backups/manifests/"
DATA = "backups/data/"
WAL = "backups/wal/"

_MEDIA_TYPE = "application/octet-stream"

#: How many files of the log are deleted with one request.
_DELETED_AT_ONCE = 500


class StorageVault(BackupVault):
    """Keeps encrypted backups in a storage: the first secret encrypts, any decrypts.

    The storage signs its objects with the same secrets, so objects of others are left alone.
    """

    def __init__(
        self, storage: ObjectStorage, secrets: Sequence[bytes], part_bytes: int = PART_BYTES
    ) -> None:
        self._storage = storage
        self._secrets = secrets
        self._part_bytes = part_bytes

    def write(self, backup_id: str, name: str, chunks: Iterable[bytes]) -> tuple[BackupPart, ...]:
        stream = encrypted(compressed(chunks), self._secrets[0])
        return tuple(
            self._put(ObjectKey(f"{DATA}{backup_id}/{name}/{number:06}"), part)
            for number, part in enumerate(_parts(stream, self._part_bytes))
        )

    def read(self, parts: Iterable[BackupPart]) -> Iterator[bytes]:
        return decompressed(decrypted(self._chunks(parts), self._secrets))

    def keep(self, manifest: BackupManifest) -> None:
        self._put(
            ObjectKey(f"{MANIFESTS}{manifest.backup_id}.json"),
            msgspec.json.format(msgspec.json.encode(manifest)),
            "application/json",
        )

    def manifests(self) -> list[BackupManifest]:
        ours = (
            key
            for key in self._storage.keys(MANIFESTS)
            if self._storage.describe(key).owner is ObjectOwner.OURS
        )
        found = [msgspec.json.decode(self._content(key), type=BackupManifest) for key in ours]
        return sorted(found, key=lambda manifest: manifest.began_at)

    def unopened(self) -> list[str]:
        return sorted(
            _backup_of(key)
            for key in self._storage.keys(MANIFESTS)
            if self._storage.describe(key).owner is ObjectOwner.FOREIGN
        )

    def newest_unopened(self) -> str | None:
        """The newest backup, if the key does not open it."""
        for key in sorted(self._storage.keys(MANIFESTS), reverse=True):  # an id begins with its time
            owner = self._storage.describe(key).owner
            if owner is ObjectOwner.FOREIGN:
                return _backup_of(key)
            if owner is ObjectOwner.OURS:
                manifest = msgspec.json.decode(self._content(key), type=BackupManifest)
                return None if _opens(self.read(manifest.objects.parts)) else manifest.backup_id
        return None

    def unfinished(self) -> list[str]:
        complete = {_backup_of(key) for key in self._storage.keys(MANIFESTS)}
        firsts: dict[str, ObjectKey] = {}
        for key in self._storage.keys(DATA):
            firsts.setdefault(key.removeprefix(DATA).partition("/")[0], key)
        return [
            backup_id
            for backup_id, key in firsts.items()
            if backup_id not in complete and self._storage.describe(key).owner is ObjectOwner.OURS
        ]

    def discard(self, backup_id: str) -> None:
        self._storage.purge(f"{MANIFESTS}{backup_id}.json")
        self._storage.purge(f"{DATA}{backup_id}/")

    def discard_log(self, cluster: str, before: str) -> int:
        """See the port; a name has the timeline, then the position."""
        prefix = f"{WAL}{cluster}/"
        old = [
            key
            for key in self._storage.keys(prefix)
            if is_log_file(name := key.removeprefix(prefix)) and name[8:24] < before[8:24]
        ]
        for start in range(0, len(old), _DELETED_AT_ONCE):
            self._storage.delete(old[start : start + _DELETED_AT_ONCE])
        return len(old)

    def _put(self, key: ObjectKey, content: bytes, media_type: str = _MEDIA_TYPE) -> BackupPart:
        stored = self._storage.put(key, BytesIO(content), size_bytes=len(content), media_type=media_type)
        return BackupPart(key=key, size_bytes=stored.size_bytes, sha256=stored.sha256)

    def _chunks(self, parts: Iterable[BackupPart]) -> Iterator[bytes]:
        for part in parts:
            with self._storage.read(part.key) as chunks:
                yield from chunks

    def _content(self, key: ObjectKey) -> bytes:
        with self._storage.read(key) as chunks:
            return b"".join(chunks)


class WalArchive:
    """The archived log of one cluster; each file is stored once.

    The first secret encrypts, any decrypts.
    """

    def __init__(self, storage: ObjectStorage, secrets: Sequence[bytes], cluster: str) -> None:
        self._storage = storage
        self._secrets = secrets
        self._prefix = f"{WAL}{cluster}/"

    def push(self, name: str, content: bytes, sha256: Sha256) -> None:
        """Store a file of the log; idempotent.

        Raises ObjectDiffersError if the name was stored with another content. Encryption never gives the same bytes
        twice, so contents are compared by the hash that is stored beside them.
        """
        key = ObjectKey(f"{self._prefix}{name}")
        stream = b"".join(encrypted(compressed([content]), self._secrets[0]))
        labels = {"content-sha256": sha256}
        try:
            self._storage.put(
                key, BytesIO(stream), size_bytes=len(stream), media_type=_MEDIA_TYPE, labels=labels
            )
        except ObjectDiffersError:
            found = self._storage.describe(key).labels.get("content-sha256", "")
            if found != sha256:
                raise ObjectDiffersError(key, expected_sha256=sha256, found_sha256=found) from None

    def names(self, since: str) -> list[str]:
        """The files since this one, of all timelines, and their histories."""
        keys = (key.removeprefix(self._prefix) for key in self._storage.keys(self._prefix))
        return [name for name in keys if not is_log_file(name) or name[8:24] >= since[8:24]]

    def newest_unopened(self) -> str | None:
        """The newest file, if the key does not open it."""
        keys = (key.removeprefix(self._prefix) for key in self._storage.keys(self._prefix))
        newest = max(filter(is_log_file, keys), key=lambda name: (name[8:24], name), default=None)
        return newest if newest is not None and not _opens(self.fetch(newest)) else None

    def fetch(self, name: str) -> Iterator[bytes]:
        """Yield a file's content; raise ObjectMissingError or UndecryptableError."""
        with self._storage.read(ObjectKey(f"{self._prefix}{name}")) as chunks:
            yield from decompressed(decrypted(chunks, self._secrets))


def is_log_file(name: str) -> bool:
    """Whether a file has a position, as histories of timelines have not."""
    digits = name[:24]
    return len(digits) == 24 and all(each in "0123456789ABCDEF" for each in digits)  # noqa: PLR2004


def _backup_of(key: ObjectKey) -> str:
    """The backup that a manifest belongs to."""
    return key.removeprefix(MANIFESTS).removesuffix(".json")


def _opens(content: Iterator[bytes]) -> bool:
    """Whether the beginning of a stream can be decrypted."""
    try:
        next(content, b"")
    except UndecryptableError:
        return False
    return True


def _parts(stream: Iterable[bytes], part_bytes: int) -> Iterator[bytes]:
    """Join the chunks of a stream to parts of about one size."""
    buffer = bytearray()
    for chunk in stream:
        buffer += chunk
        if len(buffer) >= part_bytes:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)
