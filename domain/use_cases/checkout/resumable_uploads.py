"""Uploads in pieces: a photo is resumed where its line was lost.

Each piece is stored as an object under the session's temporary prefix, so any process can go on, and the cleanup of the
session deletes what is left. No lock is held while a piece arrives: the offset is compared and moved in one statement,
and of two pieces for the same offset the second is refused.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import BinaryIO, Protocol
from uuid import uuid5

from domain.object_keys import upload_part_key
from domain.order.errors import ShopError
from domain.order.values import UploadSessionId
from domain.ports.cancellation import Cancellation
from domain.ports.errors import ObjectMissingError, UnavailableError, UnreadableImageError
from domain.ports.ids import Ids
from domain.ports.resumable_uploads import ResumableUpload, ResumableUploadId
from domain.ports.scratch_files import ScratchFiles
from domain.ports.unit_of_work import HasResumableUploads, HasUploadSessions, UnitOfWork
from domain.use_cases.checkout.photo_removal import PhotoRemoval
from domain.use_cases.checkout.upload_parts import UploadParts
from domain.use_cases.checkout.uploads import (
    AddedPhoto,
    TooManyPhotosError,
    UnknownUploadSessionError,
    UploadService,
)
from domain.use_cases.idempotent_requests import KeyReusedError
from domain.use_cases.shop_policy import ShopPolicy

#: Uploads of a session for each photo that it may have: some are refused, repeated or given up.
UPLOADS_PER_PHOTO = 3

#: Parts of an upload; with one more, all are written into one. It bounds the objects that small pieces make.
MAX_PARTS = 100


class UploadRepositories(HasUploadSessions, HasResumableUploads, Protocol):
    """The repositories that resumable uploads use."""


class UnknownUploadError(ShopError):
    """The session has no such upload, or no more."""

    def __init__(self, upload_id: ResumableUploadId) -> None:
        self.upload_id = upload_id
        super().__init__(f"There is no upload {upload_id}: begin a new one and send the photo again.")


class TooManyUploadsError(ShopError):
    """The session has reached its maximum number of uploads."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"An upload session takes {limit} uploads at most: cancel some, or open a new session for the others."
        )


class UploadTooLargeError(ShopError):
    """The announced photo has too many bytes."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        super().__init__(f"This upload takes {limit_bytes} bytes at most: send a smaller file.")


class OffsetMismatchError(ShopError):
    """A piece does not begin where the stored bytes end."""

    def __init__(self, upload_id: ResumableUploadId, offset_bytes: int) -> None:
        self.upload_id = upload_id
        self.offset_bytes = offset_bytes
        super().__init__(
            f"Upload {upload_id} holds other bytes than the {offset_bytes} before this piece: ask for its offset, and "
            "go on from there."
        )


@dataclass(frozen=True, kw_only=True)
class BegunUpload:
    """An upload, and whether an earlier request began it."""

    upload: ResumableUpload
    is_repeated: bool


@dataclass(eq=False, kw_only=True)
class ResumableUploadService:
    """Begin, resume, complete and cancel uploads in pieces."""

    unit_of_work: UnitOfWork[UploadRepositories]
    uploads: UploadService
    photo_removal: PhotoRemoval
    parts: UploadParts
    scratch: ScratchFiles
    ids: Ids
    policy: ShopPolicy

    def create(
        self,
        session_id: UploadSessionId,
        *,
        file_name: str,
        metadata: str,
        size_bytes: int,
        idempotency_key: str | None = None,
    ) -> BegunUpload:
        """Begin an upload, once for each idempotency key of the session.

        The key is remembered as long as the upload, because the id is derived from it: a repeated request finds the
        upload as it is by then. Raises what ``UploadService.check_can_add`` raises, UploadTooLargeError,
        TooManyPhotosError, TooManyUploadsError, or KeyReusedError if the key began an upload of another photo.
        """
        if size_bytes > self.policy.uploads.max_photo_bytes:
            raise UploadTooLargeError(self.policy.uploads.max_photo_bytes)
        self.uploads.check_can_add(session_id)
        max_photos = self.policy.uploads.max_photos
        with self.unit_of_work.transaction() as transaction:
            # The lock prevents that concurrent requests exceed the limit together.
            session = transaction.upload_sessions.find(session_id, lock=True)
            if session is None:
                raise UnknownUploadSessionError(session_id)
            new_id = self.ids.new() if idempotency_key is None else uuid5(session_id, idempotency_key)
            upload_id = ResumableUploadId(new_id)
            begun = transaction.resumable_uploads.find(session_id, upload_id)
            if begun is not None:
                if (begun.size_bytes, begun.metadata) != (size_bytes, metadata):
                    raise KeyReusedError
                return BegunUpload(upload=begun, is_repeated=True)
            if len(session.photos) >= max_photos:
                raise TooManyPhotosError(max_photos)
            if transaction.resumable_uploads.count(session_id) >= UPLOADS_PER_PHOTO * max_photos:
                raise TooManyUploadsError(UPLOADS_PER_PHOTO * max_photos)
            upload = ResumableUpload(
                upload_id=upload_id,
                session_id=session_id,
                file_name=file_name,
                metadata=metadata,
                size_bytes=size_bytes,
                expires_at=session.opened_at + self.policy.retention.uploads,
            )
            transaction.resumable_uploads.add(upload)
        return BegunUpload(upload=upload, is_repeated=False)

    def find(self, session_id: UploadSessionId, upload_id: ResumableUploadId) -> ResumableUpload:
        """The upload; raises UnknownUploadError."""
        with self.unit_of_work.transaction() as transaction:
            upload = transaction.resumable_uploads.find(session_id, upload_id)
        if upload is None:
            raise UnknownUploadError(upload_id)
        return upload

    def check_can_append(
        self, session_id: UploadSessionId, upload_id: ResumableUploadId, offset_bytes: int
    ) -> ResumableUpload:
        """The upload, checked before the bytes of a piece are read.

        Raises UnknownUploadError, OffsetMismatchError, and what ``UploadService.check_can_add`` raises.
        """
        with self.unit_of_work.transaction() as transaction:
            upload = transaction.resumable_uploads.find(session_id, upload_id)
            session = transaction.upload_sessions.find(session_id)
        if upload is None or session is None:
            raise UnknownUploadError(upload_id)
        if offset_bytes != upload.offset_bytes:
            raise OffsetMismatchError(upload_id, offset_bytes)
        if not upload.is_complete:
            self.uploads.require_can_add(session)
        return upload

    def append(self, upload: ResumableUpload, piece: BinaryIO, size_bytes: int) -> ResumableUpload:
        """Store a piece; return the upload with its new offset.

        Raises OffsetMismatchError if another piece came first. The piece must leave at least the last byte to
        ``complete``: an upload whose offset is its size has its photo.
        """
        part_key = upload_part_key(upload.session_id, upload.upload_id, self.ids.new())
        if len(upload.part_keys) < MAX_PARTS:
            part_keys = (*upload.part_keys, part_key)
            self.parts.put(part_key, piece, size_bytes)
        else:
            part_keys = (part_key,)
            with self.scratch.file() as whole:
                self._assemble(upload, piece, size_bytes, whole)
                self.parts.put(part_key, whole, upload.offset_bytes + size_bytes)
        advanced = replace(upload, offset_bytes=upload.offset_bytes + size_bytes, part_keys=part_keys)
        with self.unit_of_work.transaction() as transaction:
            is_advanced = transaction.resumable_uploads.advance(
                upload.upload_id,
                expected_offset_bytes=upload.offset_bytes,
                offset_bytes=advanced.offset_bytes,
                part_keys=part_keys,
            )
        if not is_advanced:
            self.parts.delete((part_key,))
            raise OffsetMismatchError(upload.upload_id, upload.offset_bytes)
        self.parts.delete(tuple(set(upload.part_keys) - set(part_keys)))
        return advanced

    def complete(
        self,
        upload: ResumableUpload,
        piece: BinaryIO,
        size_bytes: int,
        *,
        cancellation: Cancellation | None = None,
    ) -> ResumableUpload:
        """Add the photo that ends with the piece; return its upload.

        Raises what ``UploadService.add`` raises, and UnknownUploadError if the upload was canceled meanwhile: then its
        photo is removed. An unreadable photo ends the upload. After any other error the bytes
        are kept without the last one, so that the client can try again.
        """
        try:
            added = self._add(upload, piece, size_bytes, cancellation)
        except UnreadableImageError:
            self._remove(upload)
            raise
        except Exception:
            # The first error is the one to report; if this fails as well, the client sends the piece again.
            with suppress(UnavailableError, OffsetMismatchError):
                self._keep_for_retry(upload, piece, size_bytes)
            raise
        photo_id, is_duplicate = added.photo.photo_id, added.is_duplicate
        with self.unit_of_work.transaction() as transaction:
            is_known = transaction.resumable_uploads.complete(
                upload.upload_id, photo_id, is_duplicate=is_duplicate
            )
        self.parts.delete(upload.part_keys)
        if not is_known:
            if not is_duplicate:
                self.photo_removal.remove(upload.session_id, photo_id)
            raise UnknownUploadError(upload.upload_id)
        return replace(
            upload,
            offset_bytes=upload.size_bytes,
            part_keys=(),
            photo_id=photo_id,
            is_duplicate=is_duplicate,
        )

    def cancel(self, session_id: UploadSessionId, upload_id: ResumableUploadId) -> None:
        """End an upload, and remove the photo that it added.

        Raises UnknownUploadError, and what ``PhotoRemoval.remove`` raises.
        """
        upload = self.find(session_id, upload_id)
        if upload.photo_id is not None and not upload.is_duplicate:
            self.photo_removal.remove(session_id, upload.photo_id)
        self._remove(upload)

    def _add(
        self,
        upload: ResumableUpload,
        piece: BinaryIO,
        size_bytes: int,
        cancellation: Cancellation | None,
    ) -> AddedPhoto:
        if not upload.part_keys:
            piece.seek(0)
            return self._add_whole(upload, piece, cancellation)
        with self.scratch.file() as whole:
            self._assemble(upload, piece, size_bytes, whole)
            return self._add_whole(upload, whole, cancellation)

    def _add_whole(
        self, upload: ResumableUpload, whole: BinaryIO, cancellation: Cancellation | None
    ) -> AddedPhoto:
        return self.uploads.add(
            upload.session_id, upload.file_name, whole, upload.size_bytes, cancellation=cancellation
        )

    def _assemble(self, upload: ResumableUpload, piece: BinaryIO, size_bytes: int, whole: BinaryIO) -> None:
        """Write the stored parts and a piece to a file.

        Raises OffsetMismatchError if another request has replaced the parts.
        """
        try:
            self.parts.assemble(upload.part_keys, piece, whole)
        except ObjectMissingError as error:
            if self.find(upload.session_id, upload.upload_id).part_keys == upload.part_keys:
                raise
            raise OffsetMismatchError(upload.upload_id, upload.offset_bytes) from error
        if whole.tell() != upload.offset_bytes + size_bytes:
            raise AssertionError("The parts of an upload are as long as its offset.")
        whole.seek(0)

    def _keep_for_retry(self, upload: ResumableUpload, piece: BinaryIO, size_bytes: int) -> None:
        if size_bytes > 1:
            self.append(upload, piece, size_bytes - 1)

    def _remove(self, upload: ResumableUpload) -> None:
        with self.unit_of_work.transaction() as transaction:
            transaction.resumable_uploads.remove(upload.upload_id)
        self.parts.delete(upload.part_keys)
