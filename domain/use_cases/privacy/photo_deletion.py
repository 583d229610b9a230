"""Deletion of all stored objects of an order, in every version."""

from collections.abc import Sequence

from domain.object_keys import archives_of, originals_of, results_of, uploads_of
from domain.order import events as e
from domain.order.order import Order
from domain.ports.object_storage import ObjectStorage


class PhotoDeletion:
    """Deletes the photos of orders whose log records their deletion."""

    def __init__(self, *, storage: ObjectStorage) -> None:
        self._storage = storage

    def delete_photos(self, order: Order) -> Sequence[e.Event]:
        """Delete originals, results, archives and uploads.

        Returns no events, because the deletion is recorded already.
        """
        self.empty(order)
        return []

    def empty(self, order: Order) -> int:
        """Delete all objects under the order's prefixes, and return their number.

        Objects that no event names are deleted as well.
        """
        return sum(self._storage.purge(prefix) for prefix in prefixes_of(order))


def prefixes_of(order: Order) -> tuple[str, ...]:
    """Return the prefixes of all objects ever stored for an order."""
    own = (
        originals_of(order.order_id),
        results_of(order.order_id),
        archives_of(order.order_id),
    )
    if order.payment is None:
        return own
    return (*own, uploads_of(order.payment.upload_session_id))
