"""Archives of an order's restored photos."""

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from domain import object_keys
from domain.order import events as e
from domain.order.deterministic_ids import download_link_id_of
from domain.order.order import Order
from domain.order.values import FailureReason, ObjectKey, Sha256, StoredObject
from domain.ports.archives import ArchiveEntry, Archiver
from domain.ports.clock import Clock
from domain.ports.errors import ObjectDiffersError, ObjectMissingError
from domain.ports.object_storage import ObjectStorage
from domain.ports.unit_of_work import HasUploadSessions, UnitOfWork
from domain.signed_tokens import TokenSigner, sha256_of
from domain.use_cases.delivery.result_names import file_stems, result_name
from domain.use_cases.delivery.verified_reading import read_verified
from domain.use_cases.recovery.object_labels import archive_labels
from domain.use_cases.shop_policy import ShopPolicy


@dataclass(eq=False, kw_only=True)
class ArchiveBuilder:
    """Build archives in the object storage, each with its first download link."""

    unit_of_work: UnitOfWork[HasUploadSessions]
    storage: ObjectStorage
    archiver: Archiver
    token_signer: TokenSigner
    clock: Clock
    policy: ShopPolicy

    def prepare_download(self, order: Order) -> Sequence[e.Event]:
        """Stream the restored images into one archive and create its link.

        If the newest result of an image is missing or damaged, its attempt fails, so that the photo is restored again.
        An earlier result, which the customer has received, is left out. Raises UnavailableError while the storage
        cannot be reached, and ObjectMissingError or ObjectDiffersError if a lost result could not be restored again.
        """
        link_id = download_link_id_of(order.order_id, len(order.links) + 1)
        expires_at = self.clock.now() + self.policy.delivery.link_lifetime
        files = self._files(order)
        while True:
            try:
                archive = self._pack(order, files, archive_labels(link_id, expires_at))
                break
            except (ObjectMissingError, ObjectDiffersError) as error:
                lost = {error.key, *self._missing(files)}
                if failed := _lost_results(order, lost):
                    return failed
                earlier = {result.key for image in order.restored_images for result in image.earlier}
                if not lost <= earlier:
                    raise
                files = [(name, result) for name, result in files if result.key not in lost]
        return [
            e.DownloadPrepared(
                link_id=link_id,
                archive=archive,
                image_ids=tuple(image.image_id for image in order.restored_images),
                token_sha256=sha256_of(self.token_signer.download_token(link_id)),
                expires_at=expires_at,
                edition=order.archive_revision,
            )
        ]

    def archive_key(self, order: Order) -> ObjectKey:
        """The object key of an order's archive.

        It is derived from the names and checksums of the files.
        """
        return _archive_key(order, self._files(order))

    def _pack(
        self, order: Order, files: Sequence[tuple[str, StoredObject]], labels: Mapping[str, str]
    ) -> StoredObject:
        """Store the archive of these files.

        Raises ObjectMissingError or ObjectDiffersError, and stores nothing then.
        """
        entries = [
            ArchiveEntry(name=name, size_bytes=result.size_bytes, content=read_verified(self.storage, result))
            for name, result in files
        ]
        size_bytes, chunks = self.archiver.archive(entries)
        return self.storage.put(
            # The key depends on the content: a crash may have left an archive of other files that no link refers to.
            _archive_key(order, files),
            cast("io.BufferedReader", io.BufferedReader(_Reader(chunks))),
            size_bytes=size_bytes,
            media_type="application/zip",
            labels=labels,
        )

    def _missing(self, files: Sequence[tuple[str, StoredObject]]) -> Iterator[ObjectKey]:
        """Keys of all missing files, so that they are restored together."""
        for _, result in files:
            try:
                self.storage.describe(result.key)
            except ObjectMissingError:
                yield result.key

    def _files(self, order: Order) -> list[tuple[str, StoredObject]]:
        stems = file_stems(self.unit_of_work, order)
        return [
            (
                f"{'earlier results/' if earlier else ''}{result_name(earlier, result, stems[image.image_id])}",
                result,
            )
            for image in order.restored_images
            for earlier, result in enumerate(image.results)
        ]


def _lost_results(order: Order, lost: Collection[str]) -> list[e.Event]:
    """Failure events of the attempts whose lost results can be made again."""
    return [
        e.RestorationAttemptFailed(
            image_id=image.image_id,
            attempt=made.number,
            prediction_id=made.prediction_id,
            reason=FailureReason.RESULT_LOST,
        )
        for image in order.restored_images
        if image.restored is not None and image.restored.key in lost
        if (made := image.attempt_of_result) is not None
    ]


def _archive_key(order: Order, files: Sequence[tuple[str, StoredObject]]) -> ObjectKey:
    return object_keys.archive_key(order.order_id, _fingerprint(files))


def _fingerprint(files: Sequence[tuple[str, StoredObject]]) -> Sha256:
    return sha256_of("\n".join(f"{name} {result.sha256}" for name, result in files))


class _Reader(io.RawIOBase):
    """A readable file over an iterator of chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        taken, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)
