"""Chapter 4: the photos get keys of their order's own, copied and verified; nothing is ever moved."""

from collections.abc import Sequence

from domain.model import events as e
from domain.model.order import Order
from domain.model.values import HoldReason, MovedImage, ObjectKey
from domain.ports.errors import ObjectDiffersError, ObjectMissingError
from domain.ports.storage import ObjectStore


class Moving:
    """Copies uploads to originals."""

    def __init__(self, *, storage: ObjectStore) -> None:
        self._storage = storage

    def move_images(self, order: Order) -> Sequence[e.Event]:
        """Copy and verify every photo; one that is missing or changed puts the order on hold."""
        try:
            moved = tuple(
                MovedImage(
                    image_id=image.image_id,
                    original=self._storage.copy(
                        image.upload, ObjectKey(f"uploads/originals/{order.order_id}/{image.image_id}")
                    ),
                )
                for image in order.images.values()
            )
        except (ObjectMissingError, ObjectDiffersError):
            return [e.OrderHeld(reason=HoldReason.IMAGES_UNAVAILABLE)]
        return [e.ImagesMoved(images=moved)]
