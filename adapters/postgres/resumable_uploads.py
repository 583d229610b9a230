"""Uploads that are sent in pieces."""

from collections.abc import Sequence

from sqlalchemy import Connection

from adapters.postgres.driver_sql import execute
from domain.order.values import ObjectKey, PhotoId, UploadSessionId
from domain.ports.resumable_uploads import ResumableUpload, ResumableUploadId, ResumableUploads

_ADD = """INSERT INTO resumable_uploads (
        upload_id, session_id, file_name, metadata, size_bytes, expires_at, offset_bytes, part_keys, is_duplicate)
    VALUES (:upload_id, :session_id, :file_name, :metadata, :size_bytes, :expires_at, 0, '{}', false)"""
_FIND = """SELECT upload_id, session_id, file_name, metadata, size_bytes, expires_at, offset_bytes, part_keys,
        photo_id, is_duplicate
    FROM resumable_uploads WHERE upload_id = :upload_id AND session_id = :session_id"""
_COUNT = "SELECT count(*) FROM resumable_uploads WHERE session_id = :session_id"
_ADVANCE = """UPDATE resumable_uploads SET offset_bytes = :offset_bytes, part_keys = :part_keys
    WHERE upload_id = :upload_id AND offset_bytes = :expected_offset_bytes AND photo_id IS NULL"""
_COMPLETE = """UPDATE resumable_uploads SET photo_id = :photo_id, offset_bytes = size_bytes, part_keys = '{}',
        is_duplicate = :is_duplicate AND (is_duplicate OR photo_id IS NULL)
    WHERE upload_id = :upload_id"""
_REMOVE = "DELETE FROM resumable_uploads WHERE upload_id = :upload_id"


class PostgresResumableUploads(ResumableUploads):
    """The resumable uploads on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, upload: ResumableUpload) -> None:
        execute(
            self._connection,
            _ADD,
            {
                "upload_id": upload.upload_id,
                "session_id": upload.session_id,
                "file_name": upload.file_name,
                "metadata": upload.metadata,
                "size_bytes": upload.size_bytes,
                "expires_at": upload.expires_at,
            },
        )

    def find(self, session_id: UploadSessionId, upload_id: ResumableUploadId) -> ResumableUpload | None:
        row = execute(self._connection, _FIND, {"upload_id": upload_id, "session_id": session_id}).fetchone()
        if row is None:
            return None
        found = row._asdict()
        return ResumableUpload(**found | {"part_keys": tuple(found["part_keys"])})

    def count(self, session_id: UploadSessionId) -> int:
        (found,) = execute(self._connection, _COUNT, {"session_id": session_id}).fetchone() or (0,)
        return int(found)

    def advance(
        self,
        upload_id: ResumableUploadId,
        *,
        expected_offset_bytes: int,
        offset_bytes: int,
        part_keys: Sequence[ObjectKey],
    ) -> bool:
        """Compare and move the offset in one statement; see the port."""
        moved = execute(
            self._connection,
            _ADVANCE,
            {
                "upload_id": upload_id,
                "expected_offset_bytes": expected_offset_bytes,
                "offset_bytes": offset_bytes,
                "part_keys": list(part_keys),
            },
        )
        return moved.rowcount == 1

    def complete(self, upload_id: ResumableUploadId, photo_id: PhotoId, *, is_duplicate: bool) -> bool:
        found = {"upload_id": upload_id, "photo_id": photo_id, "is_duplicate": is_duplicate}
        return execute(self._connection, _COMPLETE, found).rowcount == 1

    def remove(self, upload_id: ResumableUploadId) -> None:
        execute(self._connection, _REMOVE, {"upload_id": upload_id})
