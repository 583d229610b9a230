"""Object keys, and the prefixes that list them."""

from contextlib import suppress
from uuid import UUID

from domain.order.values import ImageId, ObjectKey, OrderId, PhotoId, UploadSessionId

TEMPORARY = "uploads/temp/"
ORIGINALS = "uploads/originals/"
RESTORED = "uploads/restored/"
ARCHIVES = "downloads/"
#: The prefixes of objects that belong to an order; the rest are uploads that may never be paid for.
LASTING = (ORIGINALS, RESTORED, ARCHIVES)


def uploads_of(session_id: UploadSessionId) -> str:
    """The prefix of the photos of an upload session."""
    return f"{TEMPORARY}{session_id}/"


def upload_key(session_id: UploadSessionId, photo_id: PhotoId) -> ObjectKey:
    """The key of an uploaded photo."""
    return ObjectKey(f"{uploads_of(session_id)}{photo_id}")


def upload_part_key(session_id: UploadSessionId, upload_id: UUID, part_id: UUID) -> ObjectKey:
    """The key of a part of a resumable upload."""
    return ObjectKey(f"{uploads_of(session_id)}{upload_id}/{part_id}")


def originals_of(order_id: OrderId) -> str:
    """The prefix of an order's originals."""
    return f"{ORIGINALS}{order_id}/"


def original_key(order_id: OrderId, image_id: ImageId) -> ObjectKey:
    """The key of an original."""
    return ObjectKey(f"{originals_of(order_id)}{image_id}")


def results_of(order_id: OrderId) -> str:
    """The prefix of an order's restored images."""
    return f"{RESTORED}{order_id}/"


def result_key(order_id: OrderId, prediction_id: str) -> ObjectKey:
    """The key of the output of a prediction."""
    return ObjectKey(f"{results_of(order_id)}{prediction_id}")


def archives_of(order_id: OrderId) -> str:
    """The prefix of an order's archives."""
    return f"{ARCHIVES}{order_id}/"


def archive_key(order_id: OrderId, fingerprint: str) -> ObjectKey:
    """The key of the archive of the files with this fingerprint."""
    return ObjectKey(f"{archives_of(order_id)}{fingerprint}.zip")


def name_of(key: ObjectKey) -> str:
    """The last segment of a key."""
    return key.rpartition("/")[2]


def owner_of(key: ObjectKey) -> UUID | None:
    """The order id or upload session id in a key.

    None if the key contains neither.
    """
    for prefix in (TEMPORARY, *LASTING):
        if key.startswith(prefix):
            with suppress(ValueError):
                return UUID(key.removeprefix(prefix).partition("/")[0])
    return None
