"""Apply events of restorations and redos to a draft; see ``evolve``."""

from collections.abc import Iterable, Mapping

from domain.order import events as e
from domain.order.evolve_delivery import enqueue_another_email
from domain.order.image import Attempt, AttemptStatus, Image
from domain.order.order import Order
from domain.order.replacement import made, replace
from domain.order.values import EmailKind, FailureReason

_STATUS: Mapping[type, AttemptStatus] = {
    e.RestorationStarted: AttemptStatus.RUNNING,
    e.RestorationAttemptFailed: AttemptStatus.FAILED,
    e.SmallResultStored: AttemptStatus.COMPLETED,
    e.RestorationCompleted: AttemptStatus.COMPLETED,
}


def apply_restoration(order: Order, event: e.RestorationEvent) -> Order:
    """Apply an event to the image it names."""
    image = order.images[event.image_id]
    if isinstance(event, e.AttemptEvent):
        learnt = _apply_attempt(image, event)
        if isinstance(event, e.RestorationAttemptFailed) and event.reason is FailureReason.RESULT_LOST:
            learnt = _without_result(learnt, is_deliverable=order.is_deliverable)
        return with_images(order, [learnt])
    match event:
        case e.RestorationFailed():
            return with_images(order, [replace(image, failure=event.reason, to_enlarge=None)])
        case e.RedoRequested():
            asked = image.redos_by_customer + (1 if event.by_customer else 0)
            redone = replace(
                image, redo_from=image.next_attempt, redos=image.redos + 1, redos_by_customer=asked
            )
            return with_images(order, [redone])
        case e.RedoFailed():
            ended = _without_lost_redo(replace(image, redo_from=None, to_enlarge=None), order)
            after = with_images(order, [ended])
            is_answer = not after.is_being_redone and after.has_current_archive
            return enqueue_another_email(after, EmailKind.REDO_FAILED) if is_answer else after


def _without_result(image: Image, *, is_deliverable: bool) -> Image:
    """Remove an image's lost result, so that it is restored again.

    Where the customer may have it already, the image is redone instead.
    """
    if is_deliverable:
        return replace(image, redo_from=image.next_attempt)
    return replace(image, restored=None, width=None, height=None)


def _without_lost_redo(image: Image, order: Order) -> Image:
    """Keep the earlier result where the redo's own one is lost.

    Then the archive that the customer has is current again. Where other images were redone as well it would not be,
    and the loss is left to staff.
    """
    others = (other for other in order.images.values() if other.image_id != image.image_id)
    if not image.result_is_lost or not image.earlier or any(other.earlier for other in others):
        return image
    *earlier, restored = image.earlier
    return replace(image, restored=restored, earlier=tuple(earlier), width=None, height=None)


def with_images(order: Order, images: Iterable[Image]) -> Order:
    """Replace images of a draft."""
    for image in images:
        order.images[image.image_id] = image  # type: ignore[index]  # read-only to all others
    return order


def _apply_attempt(image: Image, event: e.AttemptEvent) -> Image:
    known = image.attempts.get(event.attempt)
    superseded = known.superseded if known else ()
    if known and known.prediction_id is not None and known.prediction_id != event.prediction_id:
        superseded = (*superseded, known.prediction_id)
    attempt = made(
        Attempt,
        number=event.attempt,
        status=_STATUS[type(event)],
        prediction_id=event.prediction_id,
        model=event.model if isinstance(event, e.RestorationStarted) else known.model if known else None,
        reason=event.reason if isinstance(event, e.RestorationAttemptFailed) else None,
        superseded=superseded,
    )
    attempts = {**image.attempts, event.attempt: attempt}
    match event:
        case e.RestorationStarted() | e.RestorationAttemptFailed():
            return replace(image, attempts=attempts)
        case e.SmallResultStored():
            return replace(image, attempts=attempts, to_enlarge=event)
        case e.RestorationCompleted():
            return replace(
                image,
                attempts=attempts,
                earlier=(*image.earlier, image.restored) if image.restored else image.earlier,
                restored=event.restored,
                redo_from=None,
                to_enlarge=None,
                original_width=event.original_width,
                original_height=event.original_height,
                width=event.width,
                height=event.height,
            )
