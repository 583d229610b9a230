"""Laws 5, 7 and 8: paid photos, originals and stored objects."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from domain.order import events as e
from domain.order.closure import OVER
from domain.order.deterministic_ids import note_of_payment_by_hand
from domain.order.ledger import RefundStatus
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import ImageId, StoredObject
from domain.ports.upload_sessions import UploadStatus
from tests.laws.snapshot import Deletion, OrderStream, Snapshot, Violation, keeps_photos, violation

#: Heads of the log, of which the newest are kept.
HEADS = "log/heads/"
UPLOADS = "uploads/temp/"


def completed_orders_are_complete(snapshot: Snapshot) -> Iterator[Violation]:
    """Require each photo of a completed order delivered or refunded."""
    accepted = {mail.email_id for mail in snapshot.mails or ()}
    paid_back = {
        refund.provider_refund_id
        for payment in snapshot.payments or ()
        for refund in payment.refunds
        if refund.is_paid and not refund.has_failed
    }
    sees_providers = snapshot.mails is not None and snapshot.payments is not None
    for order in snapshot.orders.values():
        if order.state is not State.COMPLETED:
            continue
        if order.result_is_undelivered:
            yield violation(5, "A completed order has a result that was not delivered.", order.order_id)
        mails = [str(mail.email_id) for mail in order.emails.values() if mail.kind.brings_a_link]
        is_delivered = order.newest_link is not None and (order.is_fetched or not accepted.isdisjoint(mails))
        for image_id, image in order.images.items():
            is_free = image.share.amount == 0 or order.ledger.returned_amount >= order.paid_amount
            has_result = image.restored is not None and (is_delivered or not sees_providers)
            refunds = _refunds_of(order, image_id)
            is_refunded = any(one in paid_back or note_of_payment_by_hand(one) for one in refunds)
            if not (has_result or is_free or (is_refunded if sees_providers else refunds)):
                yield violation(
                    5, "A paid photo is neither delivered nor refunded.", order.order_id, image_id
                )


def _refunds_of(order: Order, image_id: ImageId) -> list[str]:
    issued = order.ledger.having(RefundStatus.ISSUED)
    return [one.provider_refund_id or "" for one in issued if image_id in one.image_ids]


def originals_are_kept(snapshot: Snapshot) -> Iterator[Violation]:
    """Require originals until the retention is over or the customer asks."""
    for deletion in snapshot.deletions:
        yield from _may_be_deleted(deletion)
    for order_id, stream in snapshot.streams.items():
        for sentence in _purged_too_early(stream, snapshot):
            yield violation(7, sentence, order_id)
    if snapshot.objects is None:
        return
    for order in filter(keeps_photos, snapshot.orders.values()):
        if snapshot.retention_is_over:
            yield violation(7, f"An order that is {order.state} keeps its photos for ever.", order.order_id)
        for image in order.images.values():
            stored = image.original or image.upload
            is_tidied = image.original is None and stored.key.split("/")[2] not in snapshot.upload_sessions
            if stored.key in snapshot.lost_objects or is_tidied:
                continue
            if snapshot.objects.get(stored.key) != image.upload.sha256:
                yield violation(7, f"The photo {stored.key} is not there as it was sent.", order.order_id)


def _purged_too_early(stream: OrderStream, snapshot: Snapshot) -> Iterator[str]:
    for before, recorded, _ in stream.steps:
        if isinstance(recorded.event, e.PhotosPurged) and snapshot.photo_retention is not None:
            since = max((at for state, at in before.entered_at.items() if state in OVER), default=None)
            waited = recorded.recorded_at - since if since else timedelta(0)
            if waited < snapshot.photo_retention - snapshot.clock_tolerance:
                yield f"Photos went {waited} after the order was over."


def _may_be_deleted(deletion: Deletion) -> Iterator[Violation]:
    key, order, session = deletion.key, deletion.order, deletion.session
    if not key.startswith(UPLOADS):
        if keeps_photos(order):
            yield violation(7, f"{key} was deleted while the order is {order.state}.", order.order_id)
        return
    if session is None or all(photo.upload.key != key for photo in session.photos):
        return
    is_moved = bool(order.images) and all(
        image.original is not None or image.failure is not None for image in order.images.values()
    )
    is_done_with = is_moved or order.state in {State.REFUNDED, State.ERASED}
    if session.status is UploadStatus.EXPIRED or (session.status is UploadStatus.PAID and is_done_with):
        return
    sentence = f"{key} was deleted while its session is {session.status}."
    yield violation(7, sentence, order.order_id, session.session_id)


def objects_are_those_named(snapshot: Snapshot) -> Iterator[Violation]:
    """Require each named object, and no unnamed one past its time."""
    for customer_id in snapshot.erased_customers:
        if customer_id in (snapshot.customers or {}):
            yield violation(8, "A customer who was erased is still stored.", customer_id)
    if snapshot.objects is None:
        return
    named = {
        stored.key: (stored.sha256, order_id)
        for order_id, stream in snapshot.streams.items()
        if keeps_photos(stream.order)
        for stored in objects_named_in(stream.history)
    }
    for key, (sha256, order_id) in named.items():
        found = snapshot.objects.get(key)
        if found != sha256 and key not in snapshot.lost_objects:
            yield violation(8, f"{key} is {'changed' if found else 'missing'}.", order_id)
    left = snapshot.objects.keys() - named.keys() - _in_their_grace(snapshot)
    for unnamed in sorted(left):
        sentence = f"{unnamed} is stored and nothing names it: it outlives its time."
        yield violation(8, sentence, unnamed)


def _in_their_grace(snapshot: Snapshot) -> set[str]:
    """Return log heads, session uploads, unused outputs, late copies and archives.

    A copy or an archive is not recorded when its order moves on meanwhile; it goes with the order's photos.
    """
    heads = {key for key in snapshot.objects or () if key.startswith(HEADS)}
    if snapshot.retention_is_over:
        return heads
    kept = {str(order.order_id) for order in snapshot.orders.values() if keeps_photos(order)}
    outputs = {
        f"uploads/restored/{one.order_id}/{one.prediction_id}"
        for one in snapshot.predictions
        if one.has_succeeded and one.order_id in kept
    }
    copies = {
        f"uploads/originals/{order.order_id}/{image_id}"
        for order in snapshot.orders.values()
        if keeps_photos(order)
        for image_id, image in order.images.items()
        if image.original is None
    }
    archives = {
        key for key in snapshot.objects or () if key.startswith("downloads/") and key.split("/")[1] in kept
    }
    uploads = {
        key
        for key in snapshot.objects or ()
        if key.startswith(UPLOADS) and key.split("/")[2] in snapshot.upload_sessions
    }
    return heads | outputs | copies | archives | uploads


def objects_named_in(history: Iterable[e.Event]) -> Iterator[StoredObject]:
    """The objects that events name, without uploads."""
    for event in history:
        match event:
            case e.ImagesMoved(images=images):
                yield from (image.original for image in images)
            case (
                e.SmallResultStored(restored=stored) | e.RestorationCompleted(restored=stored)
            ) | e.DownloadPrepared(archive=stored):
                yield stored
            case _:
                pass
