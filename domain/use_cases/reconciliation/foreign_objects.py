"""Objects of other shops in the same bucket, recognised by their metadata."""

from uuid import UUID

from domain.order.values import ObjectKey
from domain.ports.errors import ObjectMissingError
from domain.ports.object_storage import ObjectOwner, ObjectStorage


class ForeignObjects:
    """Finds objects' owners with one look-up per other shop's order."""

    def __init__(self, storage: ObjectStorage) -> None:
        self._storage = storage
        self._foreign: set[UUID] = set()

    def owner_of(self, key: ObjectKey, belongs_to: UUID | None) -> ObjectOwner | None:
        """The owner of an object of this order or session, if any."""
        if belongs_to in self._foreign:
            return ObjectOwner.FOREIGN
        try:
            owner = self._storage.describe(key).owner
        except ObjectMissingError:
            return None
        if owner is ObjectOwner.FOREIGN and belongs_to is not None:
            self._foreign.add(belongs_to)
        return owner
