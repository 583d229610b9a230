"""Upload sessions: a visitor opens one and adds photos before the checkout."""

import hashlib
from dataclasses import dataclass
from typing import BinaryIO

from domain.object_keys import upload_key
from domain.order.errors import ShopError
from domain.order.values import OrderId, PhotoId, Sha256, UploadSessionId
from domain.ports.cancellation import Cancellation
from domain.ports.clock import Clock
from domain.ports.ids import Ids
from domain.ports.images import ImageInspector
from domain.ports.object_storage import ObjectStorage
from domain.ports.unit_of_work import HasUploadSessions, UnitOfWork
from domain.ports.upload_sessions import UploadedPhoto, UploadSession, UploadStatus, photo_with_bytes
from domain.use_cases.recovery.object_labels import photo_labels
from domain.use_cases.shop_policy import ShopPolicy


class UnknownUploadSessionError(ShopError):
    """There is no such upload session, or it was cleaned up."""

    def __init__(self, session_id: UploadSessionId) -> None:
        self.session_id = session_id
        super().__init__(
            f"There is no upload session {session_id}: open a new one and send the photos again."
        )


class UploadSessionClosedError(ShopError):
    """The session is no longer open, so its photos are fixed."""

    def __init__(self, session_id: UploadSessionId, status: UploadStatus) -> None:
        self.session_id = session_id
        self.status = status
        super().__init__(
            f"Upload session {session_id} is in {status}: its photos are fixed, open a new session for more."
        )


class TooManyPhotosError(ShopError):
    """The upload session has reached its maximum number of photos."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"An order takes {limit} photos at most: pay for these and open a new session for the others."
        )


@dataclass(frozen=True, kw_only=True)
class AddedPhoto:
    """A photo of a session, and whether it was added before."""

    photo: UploadedPhoto
    is_duplicate: bool = False


@dataclass(eq=False, kw_only=True)
class UploadService:
    """Open upload sessions; validate, store and add photos."""

    unit_of_work: UnitOfWork[HasUploadSessions]
    storage: ObjectStorage
    inspector: ImageInspector
    clock: Clock
    ids: Ids
    policy: ShopPolicy

    def open(self) -> UploadSession:
        """Open a session, with the id of its later order."""
        session = UploadSession(
            session_id=UploadSessionId(self.ids.new()),
            order_id=OrderId(self.ids.new()),
            status=UploadStatus.OPEN,
            opened_at=self.clock.now(),
        )
        with self.unit_of_work.transaction() as transaction:
            transaction.upload_sessions.open(session)
        return session

    def find(self, session_id: UploadSessionId) -> UploadSession:
        """The session; raises UnknownUploadSessionError."""
        with self.unit_of_work.transaction() as transaction:
            session = transaction.upload_sessions.find(session_id)
        if session is None:
            raise UnknownUploadSessionError(session_id)
        return session

    def check(self) -> None:
        """Raise UnavailableError if no photo can be inspected now."""
        self.inspector.check()

    def check_can_add(self, session_id: UploadSessionId) -> None:
        """Check a session before a photo's bytes are read.

        Raises those errors of ``add`` that the session's status causes, and UnavailableError.
        """
        self.require_can_add(self.find(session_id))

    def require_can_add(self, session: UploadSession) -> None:
        """``check_can_add`` for a session that was found."""
        self.check()
        _require_open(session)

    def add(
        self,
        session_id: UploadSessionId,
        file_name: str,
        content: BinaryIO,
        size_bytes: int,
        *,
        cancellation: Cancellation | None = None,
    ) -> AddedPhoto:
        """Inspect a photo, store it and add it to the session.

        Idempotent by checksum: the same bytes again return the photo that was added first. Raises
        UnreadableImageError with advice for the customer, and UnknownUploadSessionError, UploadSessionClosedError or
        TooManyPhotosError; nothing is added then. A cancellation, as when the client has disconnected, ends the
        decoding with CanceledError.
        """
        content.seek(0)
        sha256 = Sha256(hashlib.file_digest(content, "sha256").hexdigest())  # type: ignore[arg-type] # any binary file
        session = self.find(session_id)
        if known := photo_with_bytes(session, sha256):
            return AddedPhoto(photo=known, is_duplicate=True)
        self._require_below_limit(session)
        content.seek(0)
        facts = self.inspector.inspect(content, cancellation=cancellation)
        photo_id = PhotoId(self.ids.new())
        content.seek(0)
        upload = self.storage.put(
            upload_key(session_id, photo_id),
            content,
            size_bytes=size_bytes,
            media_type=facts.media_type,
            labels=photo_labels(file_name, facts.width, facts.height),
        )
        photo = UploadedPhoto(
            photo_id=photo_id, file_name=file_name, upload=upload, width=facts.width, height=facts.height
        )
        try:
            added = self._write_down(session_id, photo, facts.sketch)
        except ShopError:
            # Delete the object only here, where it is certain that no row refers to it. After an outage the row may
            # have been committed; if not, the object is deleted with the session's other uploads.
            self.storage.delete([upload.key])
            raise
        if added.is_duplicate:
            self.storage.delete([upload.key])
        return added

    def _write_down(self, session_id: UploadSessionId, photo: UploadedPhoto, sketch: bytes) -> AddedPhoto:
        """Add a photo under the session's lock; a concurrent duplicate wins."""
        with self.unit_of_work.transaction() as transaction:
            session = transaction.upload_sessions.find(session_id, lock=True)
            if session is None:
                raise UnknownUploadSessionError(session_id)
            _require_open(session)
            if known := photo_with_bytes(session, photo.upload.sha256):
                return AddedPhoto(photo=known, is_duplicate=True)
            self._require_below_limit(session)
            transaction.upload_sessions.add_photo(session_id, photo, sketch=sketch)
            return AddedPhoto(photo=photo)

    def _require_below_limit(self, session: UploadSession) -> None:
        if len(session.photos) >= self.policy.uploads.max_photos:
            raise TooManyPhotosError(self.policy.uploads.max_photos)


def _require_open(session: UploadSession) -> None:
    if session.status is not UploadStatus.OPEN:
        raise UploadSessionClosedError(session.session_id, session.status)
