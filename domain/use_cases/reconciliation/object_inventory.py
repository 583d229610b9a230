"""The objects that an order's events name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime

from domain.object_keys import LASTING
from domain.order import events as e
from domain.order.order import Order
from domain.order.stream_integrity import followed
from domain.order.values import ImageId, ObjectKey, OrderId, StoredObject


@dataclass(frozen=True)
class ObjectInventory:
    """The objects that an order's events name; none after photo deletion.

    Each has the time at which it was named.
    """

    named: tuple[tuple[datetime, StoredObject], ...] = ()
    lost: frozenset[ObjectKey] = frozenset()  # objects whose photo failed: their bytes are always verified
    gone_since: datetime | None = None
    is_complete: bool = (
        True  # false if the events cannot be read or folded: any object may then be one of the order's
    )

    @property
    def keys(self) -> set[ObjectKey]:
        """The keys of the named objects."""
        return {stored.key for _, stored in self.named}

    def accounts_for(self, key: ObjectKey, settled_before: datetime) -> bool:
        """Whether an object is named, or will be deleted with its order's.

        True for any object if the order's events are incomplete.
        """
        is_going = self.gone_since is not None and self.gone_since > settled_before
        return is_going or key in self.keys or not self.is_complete


def inventory_of(order_id: OrderId, stream: Sequence[e.RecordedEvent]) -> ObjectInventory:
    """The objects named by one order's stream."""
    gone_since = [
        each.recorded_at for each in stream if isinstance(each.event, e.PhotosPurged | e.OrderErased)
    ]
    if gone_since:
        return ObjectInventory(gone_since=gone_since[-1])
    named = [(each.recorded_at, stored) for each in stream for stored in _lasting(each.event)]
    lost = dict(_lost(stream))
    uploads = [(at, stored) for at, stored in lost.values() if not stored.key.startswith(LASTING)]
    return ObjectInventory(
        named=(*named, *uploads),
        lost=frozenset(stored.key for _, stored in lost.values()),
        is_complete=isinstance(followed(order_id, stream), Order),
    )


def _lost(stream: Sequence[e.RecordedEvent]) -> Iterator[tuple[ImageId, tuple[datetime, StoredObject]]]:
    """Yield photos that failed because of their file.

    With each come the time of the failure and the object that was missing or damaged.
    """
    files: dict[ImageId, StoredObject] = {}
    for recorded in stream:
        match recorded.event:
            case e.PaymentReceived(photos=photos):
                files |= {photo.image_id: photo.upload for photo in photos}
            case e.ImagesMoved(images=images):
                files |= {image.image_id: image.original for image in images}
            case (
                e.RestorationFailed(image_id=image_id, reason=reason)
                | e.RedoFailed(image_id=image_id, reason=reason)
            ) if reason.is_lost_file and image_id in files:
                yield image_id, (recorded.recorded_at, files[image_id])
            case _:
                pass


def _lasting(event: e.Event) -> Iterator[StoredObject]:
    """Return the lasting objects that an event names.

    Events of any kind, also later ones, hold them as StoredObject.
    """
    return (stored for stored in _within(event) if stored.key.startswith(LASTING))


def _within(thing: object) -> Iterator[StoredObject]:
    if isinstance(thing, StoredObject):
        yield thing
    elif isinstance(thing, tuple):
        for each in thing:
            yield from _within(each)
    elif is_dataclass(thing):
        for field in fields(thing):
            yield from _within(getattr(thing, field.name))
