"""Rebuilding of the attempts behind restored photos in the storage."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.object_keys import name_of, results_of
from domain.order import events as e
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import ImageId, StoredObject
from domain.ports.unit_of_work import HasOrders
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.recovery.archive_rebuilding import ArchiveRebuilding
from domain.use_cases.recovery.object_labels import HEIGHT, IMAGE_ID, WIDTH
from domain.use_cases.recovery.own_objects import OwnObjects
from domain.use_cases.recovery.restore_cause import restore_cause

#: The model of a rebuilt attempt: the storage does not record it.
UNKNOWN_MODEL = "unknown"

_DELIVERED = frozenset({State.DELIVERED, State.COMPLETED})


@dataclass(frozen=True, kw_only=True)
class _Result:
    image_id: ImageId
    prediction_id: str
    restored: StoredObject
    width: int
    height: int
    stored_at: datetime


@dataclass(eq=False, kw_only=True)
class ResultRebuilding:
    """Infers attempts and redos from results that no event names."""

    objects: OwnObjects
    archives: ArchiveRebuilding
    command_handler: OrderCommandHandler[HasOrders]

    def first_results(self, order: Order) -> Iterator[e.Event]:
        """Yield the start and end of the attempts behind the first results.

        Photos may have been redone or enlarged. An archive's key depends on the results in it: if there is an archive
        of the oldest results, these came first, and the others are redos. Otherwise the newest results count.
        """
        results = self._unrecorded(order)
        oldest = {result.image_id: result for result in reversed(results)}
        newest = {result.image_id: result for result in results}
        for first in (oldest, newest):
            facts = [fact for result in first.values() for fact in _attempt(order, result)]
            if first is newest or (facts and self._has_archive(self._after(order, facts))):
                yield from facts
                return

    def redos(self, order: Order) -> list[e.Event]:
        """Return the next redos of delivered photos that an archive's key proves.

        Who requested them is unknown, so they do not count as requested by the customer, who may request another.
        """
        facts: list[e.Event] = []
        if order.state not in _DELIVERED or order.photos_are_purged:
            return facts
        after = order
        for result in self._unrecorded(order, of_delivered=True):
            redo = [e.RedoRequested(image_id=result.image_id, by_customer=False), *_attempt(after, result)]
            after = self._after(after, redo)
            facts += redo
            if self._has_archive(after):
                return facts
        return []

    def _after(self, order: Order, proposed: Sequence[e.Event]) -> Order:
        """Return the order as if these events were recorded; record nothing."""
        return self.command_handler.preview(order, proposed, restore_cause(order.order_id, "draft")).after

    def _has_archive(self, order: Order) -> bool:
        return self.archives.archive_of(order) is not None

    def _unrecorded(self, order: Order, *, of_delivered: bool = False) -> list[_Result]:
        """Return results that no event names, oldest first.

        By default of images without a recorded result; with ``of_delivered``, of images with one.
        """
        found: list[_Result] = []
        for described in self.objects.under(results_of(order.order_id)):
            labels = described.labels
            image_id = ImageId(UUID(labels[IMAGE_ID])) if IMAGE_ID in labels else None
            image = order.images.get(image_id) if image_id is not None else None
            if image_id is None or image is None or not {WIDTH, HEIGHT} <= set(labels):
                continue
            if bool(image.results) is not of_delivered or any(
                each.key == described.key for each in image.results
            ):
                continue
            result = _Result(
                image_id=image_id,
                prediction_id=name_of(described.key),
                restored=self.objects.recorded(described, described.key),
                width=int(labels[WIDTH]),
                height=int(labels[HEIGHT]),
                stored_at=described.stored_at,
            )
            found.append(result)
        return sorted(found, key=lambda result: (result.stored_at, result.prediction_id))


def _attempt(order: Order, result: _Result) -> Iterator[e.Event]:
    image = order.images[result.image_id]
    attempt = image.running.number if image.running is not None else image.next_attempt
    yield e.RestorationStarted(
        image_id=result.image_id,
        attempt=attempt,
        prediction_id=result.prediction_id,
        model=UNKNOWN_MODEL,
    )
    yield e.RestorationCompleted(
        image_id=result.image_id,
        attempt=attempt,
        prediction_id=result.prediction_id,
        restored=result.restored,
        width=result.width,
        height=result.height,
    )
