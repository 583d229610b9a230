"""The port for uploads in pieces that can be resumed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NewType, Protocol
from uuid import UUID

from domain.order.values import ObjectKey, PhotoId, UploadSessionId

ResumableUploadId = NewType("ResumableUploadId", UUID)


@dataclass(frozen=True, kw_only=True)
class ResumableUpload:
    """An upload of one photo, of which the first ``offset_bytes`` are stored.

    They are the contents of ``part_keys``, in this order, until the photo is complete.
    """

    upload_id: ResumableUploadId
    session_id: UploadSessionId
    file_name: str
    metadata: str  # as the client sent it
    size_bytes: int
    expires_at: datetime  # with its session
    offset_bytes: int = 0
    part_keys: tuple[ObjectKey, ...] = ()
    photo_id: PhotoId | None = None  # once it is complete
    is_duplicate: bool = False  # of a photo that the session already had

    @property
    def is_complete(self) -> bool:
        """Whether the session has the photo."""
        return self.photo_id is not None


class ResumableUploads(Protocol):
    """Resumable uploads, removed with their session's objects."""

    def add(self, upload: ResumableUpload) -> None:
        """Store a new upload."""

    def find(self, session_id: UploadSessionId, upload_id: ResumableUploadId) -> ResumableUpload | None:
        """The upload, if it belongs to the session."""

    def count(self, session_id: UploadSessionId) -> int:
        """How many uploads a session has."""

    def advance(
        self,
        upload_id: ResumableUploadId,
        *,
        expected_offset_bytes: int,
        offset_bytes: int,
        part_keys: Sequence[ObjectKey],
    ) -> bool:
        """Move the offset of an incomplete upload, and replace its parts.

        False, changing nothing, unless the offset is the expected one.
        """

    def complete(self, upload_id: ResumableUploadId, photo_id: PhotoId, *, is_duplicate: bool) -> bool:
        """Record the photo; False if there is no such upload.

        The parts are forgotten, and the offset moves to the end. Of two requests that complete an upload, the one that
        added the photo decides that it is no duplicate.
        """

    def remove(self, upload_id: ResumableUploadId) -> None:
        """Remove an upload; a missing one is ignored."""
