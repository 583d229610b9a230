"""Laws 1 and 2: the event log and its read models."""

from collections import Counter
from collections.abc import Iterator

from adapters.postgres.read_models import Rows, rows_of
from domain.order import events as e
from domain.order.image import Image
from domain.order.values import FailureReason
from tests.laws.snapshot import Snapshot, Violation, violation


def streams_are_whole(snapshot: Snapshot) -> Iterator[Violation]:
    """Require versions without a gap, legal events, unique causes, matching hashes."""
    for order_id, stream in snapshot.streams.items():
        if stream.defect:
            yield violation(1, stream.defect, order_id)
        causes = Counter(recorded.cause_key for recorded in stream.events)
        if len(causes) != len(stream.events):
            yield violation(1, f"{causes.most_common(1)[0][0]} is recorded twice.", order_id)
        for before, recorded, after in stream.steps:
            is_kept = (
                before.emails.keys() <= after.emails.keys() and before.links.keys() <= after.links.keys()
            )
            dropped = [
                image
                for image_id, image in before.images.items()
                if not set(image.results) <= set(after.images[image_id].results)
            ]
            if not is_kept or any(not _lost_result(recorded.event, image) for image in dropped):
                yield violation(1, f"Version {recorded.version} drops a result, mail or link.", order_id)
    for defect in snapshot.chain_defects:
        yield violation(1, defect)


def _lost_result(event: e.Event, image: Image) -> bool:
    """Whether an event is about the loss of this image's result."""
    match event:
        case e.RestorationAttemptFailed(reason=FailureReason.RESULT_LOST):
            return event.image_id == image.image_id
        case e.RedoFailed():
            return event.image_id == image.image_id and image.result_is_lost
        case _:
            return False


def read_models_are_folds(snapshot: Snapshot) -> Iterator[Violation]:
    """Require each read model row, and no other, to match the log."""
    for order_id, loaded in (snapshot.loaded or {}).items():
        if snapshot.orders.get(order_id, loaded) != loaded:
            yield violation(2, "The event store gives another order than its stream.", order_id)
    if snapshot.read_models is None:
        return
    expected: Rows = {}
    for order in snapshot.orders.values():
        for table, rows in rows_of(order).items():
            expected.setdefault(table, {}).update(rows)
    for table in sorted(expected.keys() | snapshot.read_models.keys()):
        stored, folded = snapshot.read_models.get(table, {}), expected.get(table, {})
        if stored == folded:
            continue
        for key in stored.keys() | folded.keys():
            if stored.get(key) != folded.get(key):
                yield violation(
                    2, f"{table} {key} holds {stored.get(key)}, and the log says {folded.get(key)}.", *key
                )
