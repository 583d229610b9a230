"""Resumable uploads in memory."""

from collections.abc import MutableMapping, Sequence
from dataclasses import replace

from domain.order.values import ObjectKey, PhotoId, UploadSessionId
from domain.ports.resumable_uploads import ResumableUpload, ResumableUploadId, ResumableUploads


class InMemoryResumableUploads(ResumableUploads):
    """Resumable uploads of one transaction."""

    def __init__(self, pages: MutableMapping[ResumableUploadId, ResumableUpload]) -> None:
        self._pages = pages

    def add(self, upload: ResumableUpload) -> None:
        self._pages[upload.upload_id] = upload

    def find(self, session_id: UploadSessionId, upload_id: ResumableUploadId) -> ResumableUpload | None:
        upload = self._pages.get(upload_id)
        return upload if upload is not None and upload.session_id == session_id else None

    def count(self, session_id: UploadSessionId) -> int:
        return sum(upload.session_id == session_id for upload in self._pages.values())

    def advance(
        self,
        upload_id: ResumableUploadId,
        *,
        expected_offset_bytes: int,
        offset_bytes: int,
        part_keys: Sequence[ObjectKey],
    ) -> bool:
        upload = self._pages.get(upload_id)
        if upload is None or upload.is_complete or upload.offset_bytes != expected_offset_bytes:
            return False
        self._pages[upload_id] = replace(upload, offset_bytes=offset_bytes, part_keys=tuple(part_keys))
        return True

    def complete(self, upload_id: ResumableUploadId, photo_id: PhotoId, *, is_duplicate: bool) -> bool:
        upload = self._pages.get(upload_id)
        if upload is None:
            return False
        self._pages[upload_id] = replace(
            upload,
            offset_bytes=upload.size_bytes,
            part_keys=(),
            photo_id=photo_id,
            is_duplicate=is_duplicate and (upload.is_duplicate or not upload.is_complete),
        )
        return True

    def remove(self, upload_id: ResumableUploadId) -> None:
        self._pages.pop(upload_id, None)
