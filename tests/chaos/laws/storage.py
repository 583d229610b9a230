"""Laws 7 and 8: the log joined with the storage."""

from collections.abc import Iterator

from domain.order.values import OrderId, StoredObject
from tests.chaos.collected_state import ExportArchive
from tests.domain.support.laws import objects_named_in

ORIGINALS_STAY = (
    "An original is never deleted before its result is verified and delivered and the retention is over, "
    "or the customer asked."
)
#: Heads of the log, of which the newest are kept.
HEADS = "log/heads/"
NAMED = (
    "Every object that the log names exists with the recorded SHA-256; "
    "no object without a name outlives its grace period."
)


def originals_are_there(export_archive: ExportArchive) -> Iterator[str]:
    """No retention is over in a run, and nobody asks: of each paid photo the original, or else the upload, is there."""
    for order in export_archive.orders.values():
        for image_id, image in order.images.items():
            stored = image.original or image.upload
            if export_archive.objects.get(stored.key) != image.upload.sha256:
                yield f"Photo {image_id} of order {order.order_id} is not there any more as it was sent: {stored.key}."


def objects_have_names(export_archive: ExportArchive) -> Iterator[str]:
    """What is named and missing or changed; what is there and belongs to nothing.

    Two kinds of objects are in their grace without a name: uploads of a session, which go with it, and outputs of a
    prediction that came second, which go with their order's photos.
    """
    named = {
        stored.key: stored.sha256
        for order_id in export_archive.histories
        for stored in _named(export_archive, order_id)
    }
    for name, sha256 in named.items():
        if export_archive.objects.get(name) != sha256:
            yield f"{name} is on record with SHA-256 {sha256}, and the storage has {export_archive.objects.get(name)}."
    second = {
        f"uploads/restored/{prediction['_webhook'].split('/')[-4]}/{prediction['id']}"
        for prediction in export_archive.replicate.kind("prediction")
        if prediction["status"] == "succeeded"
    }
    heads = {key for key in export_archive.objects if key.startswith("log/heads/")}
    for key in set(export_archive.objects) - {str(name) for name in named} - second - heads:
        is_upload = key.startswith("uploads/temp/") and key.split("/")[2] in export_archive.upload_sessions
        if not is_upload and not key.startswith(HEADS):
            yield f"{key} lies in the storage, and nothing knows of it."


def _named(export_archive: ExportArchive, order_id: OrderId) -> Iterator[StoredObject]:
    return objects_named_in(recorded.event for recorded in export_archive.histories[order_id])
