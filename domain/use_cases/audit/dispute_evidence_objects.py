"""Exhibits: an order's stored objects, compared with the log.

Each object is read once.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from domain.order.image import Image
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import ObjectKey, PhotoId, Sha256, StoredObject
from domain.ports.dispute_evidence import Exhibit, ObjectRole, ObjectState, PhotoEvidence
from domain.ports.errors import ObjectMissingError, UnreadableImageError
from domain.ports.images import Thumbnailer
from domain.ports.object_storage import ObjectStorage
from domain.ports.scratch_files import ScratchFiles

#: Called after each examined object with the number so far and the total.
Watch = Callable[[int, int], None]


@dataclass(eq=False)
class ObjectExaminer:
    """Reads the objects that one order's events name, and verifies them."""

    storage: ObjectStorage
    thumbnailer: Thumbnailer
    scratch: ScratchFiles
    watch: Watch
    is_gone: bool
    _done: int = field(init=False, default=0)
    _of: int = field(init=False, default=0)

    def examine(
        self, order: Order, names: dict[PhotoId, str]
    ) -> tuple[tuple[PhotoEvidence, ...], tuple[Exhibit, ...]]:
        """Return an order's photos and archives as evidence.

        An archive with several links is returned once.
        """
        packed = list({link.archive.key: link.archive for link in order.links.values()}.values())
        self._of = sum(1 + len(image.results) for image in order.images.values()) + len(packed)
        photos = tuple(
            PhotoEvidence(
                number=number,
                file_name=names.get(PhotoId(image.image_id)),
                image=image,
                before=self._before(number, image, order),
                after=tuple(
                    self._picture(ObjectRole.EARLIER_RESULT if earlier else ObjectRole.RESULT, number, result)
                    for earlier, result in enumerate(image.results)
                ),
            )
            for number, image in enumerate(order.images.values(), start=1)
        )
        archives = tuple(self._archive(number, archive) for number, archive in enumerate(packed, start=1))
        return photos, archives

    def _before(self, number: int, image: Image, order: Order) -> Exhibit:
        """The stored original, or the upload, deleted after a full refund."""
        found = self._picture(ObjectRole.ORIGINAL, number, image.original or image.upload)
        may_be_tidied = image.original is None and order.state is State.REFUNDED
        is_tidied = may_be_tidied and found.state is ObjectState.MISSING
        return replace(found, state=ObjectState.DELETED) if is_tidied else found

    def _picture(self, role: ObjectRole, number: int, stored: StoredObject) -> Exhibit:
        with self.scratch.file() as file:
            state, found = self._look(stored, file)
            thumbnail = self._thumbnail(file) if state is ObjectState.VERIFIED else None
        return Exhibit(
            role=role, number=number, stored=stored, state=state, found_sha256=found, thumbnail=thumbnail
        )

    def _archive(self, number: int, stored: StoredObject) -> Exhibit:
        state, found = self._look(stored)
        return Exhibit(role=ObjectRole.ARCHIVE, number=number, stored=stored, state=state, found_sha256=found)

    def _look(self, stored: StoredObject, keep: BinaryIO | None = None) -> tuple[ObjectState, Sha256 | None]:
        self._done += 1
        self.watch(self._done, self._of)
        if self.is_gone:
            return ObjectState.DELETED, None
        try:
            found = self._digest(stored.key, keep)
        except ObjectMissingError:
            return ObjectState.MISSING, None
        return ObjectState.VERIFIED if found == stored.sha256 else ObjectState.DIFFERS, found

    def _digest(self, key: ObjectKey, keep: BinaryIO | None) -> Sha256:
        digest = hashlib.sha256()
        with self.storage.read(key) as chunks:
            for chunk in chunks:
                digest.update(chunk)
                if keep is not None:
                    keep.write(chunk)
        return Sha256(digest.hexdigest())

    def _thumbnail(self, file: BinaryIO) -> bytes | None:
        try:
            return self.thumbnailer.thumbnail(file)
        except UnreadableImageError:
            return None  # its bytes are the recorded ones, so it is listed without a picture
