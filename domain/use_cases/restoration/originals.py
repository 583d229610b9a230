"""Copy uploads to the order's own object keys and verify their checksums.

The uploads themselves are neither moved nor deleted.
"""

from collections.abc import Sequence

from domain.object_keys import original_key
from domain.order import events as e
from domain.order.image import Image
from domain.order.order import Order
from domain.order.values import FailureReason, MovedImage
from domain.ports.errors import ObjectDiffersError, ObjectMissingError
from domain.ports.object_storage import ObjectStorage


class OriginalsCopier:
    """Copy uploads to originals."""

    def __init__(self, *, storage: ObjectStorage) -> None:
        self._storage = storage

    def move_images(self, order: Order) -> Sequence[e.Event]:
        """Copy and verify every photo that is not settled.

        A missing or changed upload fails only its photo. Raises UnavailableError while the storage cannot be reached;
        no photo fails then.
        """
        moved: list[MovedImage] = []
        lost: list[e.Event] = []
        for image in order.images.values():
            if image.is_settled:
                continue
            target = original_key(order.order_id, image.image_id)
            try:
                original = self._storage.copy(image.upload, target)
            except (ObjectMissingError, ObjectDiffersError) as error:
                lost.append(_failed(image, lost_file(error)))
            else:
                moved.append(MovedImage(image_id=image.image_id, original=original))
        return [*lost, e.ImagesMoved(images=tuple(moved))] if moved else lost


def lost_file(error: ObjectMissingError | ObjectDiffersError) -> FailureReason:
    """The failure reason of a photo whose file is missing or damaged."""
    is_missing = isinstance(error, ObjectMissingError)
    return FailureReason.FILE_MISSING if is_missing else FailureReason.FILE_DAMAGED


def _failed(image: Image, reason: FailureReason) -> e.RestorationFailed:
    return e.RestorationFailed(image_id=image.image_id, attempts=0, reason=reason)
