"""Objects of other shops in the same bucket, recognised by their metadata."""

from uuid import UUID

from domain.order.values import ObjectKey
from domain.ports.errors import ObjectMissingError
from domain.ports.object_storage import ObjectOwner, ObjectStorage


class ForeignObjects:
    """Finds the owner of objects; remembers other shops' orders and sessions.

    Only one object of each such order or session is described by the storage.
    """

    def __init__(self, storage: ObjectStorage) -> None:
        self._storage = storage
        self._foreign: set[UUID] = set()

    def owner_of(self, key: ObjectKey, belongs_to: UUID | None) -> ObjectOwner | None:
        """Return the owner of an object of this order or session.

        Returns None if the object no longer exists.
        """
        if belongs_to in self._foreign:
            return ObjectOwner.FOREIGN
        try:
            owner = self._storage.describe(key).owner
        except ObjectMissingError:
            return None
        if owner is ObjectOwner.FOREIGN and belongs_to is not None:
            self._foreign.add(belongs_to)
        return owner
