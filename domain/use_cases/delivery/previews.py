"""Previews of photos and results: small JPEGs that any browser can show.

A preview is made when it is requested and stored nowhere, so nothing of it outlives its photo.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.order.errors import ShopError
from domain.order.image import Image
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import ImageId, OrderId, PhotoId, StoredObject, UploadSessionId
from domain.ports.errors import ObjectMissingError
from domain.ports.images import Thumbnailer
from domain.ports.object_storage import ObjectStorage
from domain.ports.scratch_files import ScratchFiles
from domain.ports.unit_of_work import HasEventStore, HasUploadSessions, UnitOfWork
from domain.use_cases.checkout.uploads import UnknownUploadSessionError
from domain.use_cases.delivery.downloads import DownloadService, UnknownLinkError


class PreviewRepositories(HasEventStore, HasUploadSessions, Protocol):
    """The repositories that previews read."""


class PreviewSize(StrEnum):
    """For a list of photos, or for the whole screen."""

    THUMBNAIL = "thumbnail"
    SCREEN = "screen"

    @property
    def side_pixels(self) -> int:
        """The longest side of the preview."""
        return 480 if self is PreviewSize.THUMBNAIL else 1600


class UnknownPhotoError(ShopError):
    """There is no such photo, or its bytes were deleted."""

    def __init__(self, photo_id: UUID) -> None:
        self.photo_id = photo_id
        super().__init__(f"There is no photo {photo_id}: look its id up again, or send the photo once more.")


@dataclass(frozen=True, kw_only=True)
class PreviewSource:
    """The picture of a preview.

    ``is_lasting`` unless its bytes may be deleted already.
    """

    content: StoredObject
    is_lasting: bool = True


@dataclass(eq=False, kw_only=True)
class Previews:
    """Find pictures that a visitor may see; make their previews."""

    unit_of_work: UnitOfWork[PreviewRepositories]
    downloads: DownloadService
    storage: ObjectStorage
    thumbnailer: Thumbnailer
    scratch: ScratchFiles

    def of_upload(self, session_id: UploadSessionId, photo_id: PhotoId) -> PreviewSource:
        """A photo of an upload session.

        Raises UnknownUploadSessionError or UnknownPhotoError.
        """
        with self.unit_of_work.transaction() as transaction:
            session = transaction.upload_sessions.find(session_id)
        if session is None:
            raise UnknownUploadSessionError(session_id)
        photo = next((each for each in session.photos if each.photo_id == photo_id), None)
        if photo is None:
            raise UnknownPhotoError(photo_id)
        return PreviewSource(content=photo.upload, is_lasting=False)

    def of_order(self, order_id: OrderId, image_id: ImageId) -> PreviewSource:
        """A photo of an order, as the customer sent it; raises UnknownPhotoError."""
        with self.unit_of_work.transaction() as transaction:
            order = transaction.event_store.load(order_id)
        image = order.images.get(image_id)
        if image is None or _photos_are_gone(order):
            raise UnknownPhotoError(image_id)
        return _original(image)

    def of_link(self, token: str, image_id: ImageId) -> PreviewSource:
        """A photo behind a download link, as the customer sent it.

        Raises what ``DownloadService.open`` raises, and UnknownLinkError for an image that does not exist.
        """
        order, _ = self.downloads.open(token)
        image = order.images.get(image_id)
        if image is None:
            raise UnknownLinkError
        return _original(image)

    def render(self, source: PreviewSource, size: PreviewSize) -> bytes:
        """The preview, a JPEG.

        Raises UnavailableError, UnreadableImageError, ObjectMissingError, or UnknownPhotoError for an upload that was
        deleted.
        """
        with self.scratch.file() as file:
            _copy(self.storage, source, file.write)
            file.seek(0)
            return self.thumbnailer.thumbnail(file, size.side_pixels)


def _copy(storage: ObjectStorage, source: PreviewSource, write: Callable[[bytes], object]) -> None:
    try:
        with storage.read(source.content.key) as chunks:
            for chunk in chunks:
                write(chunk)
    except ObjectMissingError as error:
        if source.is_lasting:
            raise
        raise UnknownPhotoError(UUID(source.content.key.rpartition("/")[2])) from error


def _original(image: Image) -> PreviewSource:
    """The original, or the upload until it is copied."""
    return PreviewSource(content=image.original or image.upload, is_lasting=image.original is not None)


def _photos_are_gone(order: Order) -> bool:
    return order.photos_are_purged or order.state is State.ERASED
