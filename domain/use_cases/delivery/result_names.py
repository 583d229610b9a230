"""File names of restored photos, after the names that the customer gave."""

from domain.order.file_names import distinct, safe_stem
from domain.order.order import Order
from domain.order.values import ImageId, PhotoId, StoredObject
from domain.ports.unit_of_work import HasUploadSessions, UnitOfWork

_ENDINGS = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/avif": ".avif"}


def file_stems(unit_of_work: UnitOfWork[HasUploadSessions], order: Order) -> dict[ImageId, str]:
    """A distinct file name per image, without extension.

    It is derived from the customer's file name, so that each result can be matched with its photo.
    """
    with unit_of_work.transaction() as transaction:
        given = transaction.upload_sessions.file_names(order.order_id)
    stems = [
        f"{safe_stem(given.get(PhotoId(image_id), '')) or f'photo-{number}'}-restored"
        for number, image_id in enumerate(order.images, start=1)
    ]
    return dict(zip(order.images, distinct(stems), strict=True))


def result_name(earlier: int, result: StoredObject, stem: str) -> str:
    """A result's file name; an earlier result's starts with its number."""
    return f"{f'{earlier}-' if earlier else ''}{stem}{_ENDINGS.get(result.media_type, '')}"
