"""Decide attempts, results and redos of images.

How many attempts an image has, and when none follows, is in ``restoration_attempts``.
"""

from domain.order import events as e
from domain.order.decide_refunds import owed_for_failed_images
from domain.order.decision import NOTHING, Decision, DecisionBuilder
from domain.order.errors import RedoRefusedError, UnknownImageError
from domain.order.image import AttemptStatus, Image
from domain.order.lifecycle import require
from domain.order.limits import Limits
from domain.order.order import Order
from domain.order.restoration_attempts import attempts_are_used_up, is_given_up
from domain.order.states import MAY_LOSE_RESULTS, State
from domain.order.values import FailureReason, ImageId, RedoObstacle


def image_of(order: Order, image_id: ImageId) -> Image:
    """The order's image; raises UnknownImageError."""
    if image_id not in order.images:
        raise UnknownImageError(order_id=order.order_id, image_id=image_id)
    return order.images[image_id]


def decide_restoration(order: Order, proposed: e.RestorationEvent, limits: Limits) -> Decision:
    """Record what concerns the image that the proposal names.

    Raise UnknownImageError for an image of another order.
    """
    match proposed:
        case e.RestorationStarted():
            return _decide_start(order, proposed)
        case e.RestorationAttemptFailed():
            return _decide_attempt_failure(order, proposed, limits)
        case e.SmallResultStored():
            return _decide_small_result(order, proposed)
        case e.RestorationCompleted() | e.RestorationFailed() | e.RedoFailed():
            return _decide_result(order, proposed)
        case e.RedoRequested():
            return _decide_redo(order, proposed, limits)


def _decide_start(order: Order, proposed: e.RestorationStarted) -> Decision:
    """Record a start once, for the next or newest attempt.

    A repeated start after a lost reply replaces the prediction of its attempt.
    """
    image = image_of(order, proposed.image_id)
    is_next = proposed.attempt in {image.next_attempt - 1, image.next_attempt}
    if not is_next or not order.awaits(proposed.image_id, proposed.attempt):
        return NOTHING
    known = image.attempts.get(proposed.attempt)
    return NOTHING if known and known.prediction_id == proposed.prediction_id else (proposed,)


def _decide_attempt_failure(order: Order, proposed: e.RestorationAttemptFailed, limits: Limits) -> Decision:
    """Record a failure once; the last allowed one fails the image.

    For an image that is being redone, the redo fails.
    """
    image = image_of(order, proposed.image_id)
    if proposed.reason is FailureReason.RESULT_LOST:
        return _decide_lost_result(order, image, proposed, limits)
    known = image.attempts.get(proposed.attempt)
    is_running = known is not None and known.status is AttemptStatus.RUNNING
    belongs_to_another = is_running and known is not None and known.prediction_id != proposed.prediction_id
    is_known = not is_running and (image.running is not None or proposed.attempt != image.next_attempt)
    if not order.awaits(proposed.image_id, proposed.attempt) or belongs_to_another or is_known:
        return NOTHING
    draft = DecisionBuilder(order, proposed)
    if is_given_up(image, proposed.attempt, proposed.reason, limits):
        for event in _decide_result(
            draft.order, events_for_failed_attempt(image, proposed.attempt, proposed.reason)
        ):
            draft.add(event)
    return draft.done()


def _decide_lost_result(
    order: Order, image: Image, proposed: e.RestorationAttemptFailed, limits: Limits
) -> Decision:
    """Restore an image again whose result was lost before it was packed.

    When its attempts are used up, the image fails. Where the customer has results already, the loss of a result is
    recorded once; a further loss is left to staff.
    """
    made = image.attempt_of_result
    if (
        made is None
        or made.number != proposed.attempt
        or image.is_being_redone
        or order.state not in MAY_LOSE_RESULTS
    ):
        return NOTHING
    draft = DecisionBuilder(order, proposed)
    if not order.is_deliverable and attempts_are_used_up(image, proposed.attempt, limits):
        for event in _decide_result(
            draft.order,
            events_for_failed_attempt(draft.order.images[image.image_id], proposed.attempt, proposed.reason),
        ):
            draft.add(event)
    return draft.done()


def _decide_small_result(order: Order, proposed: e.SmallResultStored) -> Decision:
    """Record a small result: the first one of a round counts."""
    image_of(order, proposed.image_id)
    return (proposed,) if order.awaits(proposed.image_id, proposed.attempt) else NOTHING


def events_for_failed_attempt(
    image: Image, attempts: int, reason: FailureReason
) -> e.RestorationCompleted | e.RestorationFailed | e.RedoFailed:
    """The outcome of an image whose attempts are used up.

    A small result that could not be enlarged is delivered as it is. An image that is being redone keeps its result.
    """
    small = image.to_enlarge
    if small is not None:
        return e.RestorationCompleted(**vars(small))
    if image.is_being_redone:
        return e.RedoFailed(image_id=image.image_id, attempts=attempts, reason=reason)
    return e.RestorationFailed(image_id=image.image_id, attempts=attempts, reason=reason)


def _decide_result(
    order: Order, proposed: e.RestorationCompleted | e.RestorationFailed | e.RedoFailed
) -> Decision:
    """Record the first outcome of a round.

    When the last image settles, the refund for failed images is requested.
    """
    image = image_of(order, proposed.image_id)
    is_new = isinstance(proposed, e.RestorationCompleted) and not _is_the_small_one(image, proposed)
    attempt = (
        proposed.attempt if isinstance(proposed, e.RestorationCompleted) and is_new else image.next_attempt
    )
    is_of_the_other_round = isinstance(
        proposed, e.RestorationFailed if image.is_being_redone else e.RedoFailed
    )
    if _is_lost_before_it_was_moved(order, image, proposed):
        is_awaited = True
    else:
        is_awaited = order.awaits(proposed.image_id, attempt) and not is_of_the_other_round
    if not is_awaited:
        return NOTHING
    if image.is_being_redone:
        return (proposed,)
    draft = DecisionBuilder(order, proposed)
    if draft.order.every_image_is_settled:
        for refund in owed_for_failed_images(draft.order):
            draft.add(refund)
    return draft.done()


def _is_the_small_one(image: Image, proposed: e.RestorationCompleted) -> bool:
    return image.to_enlarge is not None and image.to_enlarge.prediction_id == proposed.prediction_id


def _is_lost_before_it_was_moved(
    order: Order, image: Image, proposed: e.RestorationCompleted | e.RestorationFailed | e.RedoFailed
) -> bool:
    is_lost = isinstance(proposed, e.RestorationFailed) and proposed.reason.is_lost_file
    return is_lost and order.state is State.PAID and not image.is_settled


def _decide_redo(order: Order, proposed: e.RedoRequested, limits: Limits) -> Decision:
    """Start a redo of an image that has a result.

    One redo per image runs at a time; customers may request ``max_redos_by_customer`` for each. Raise RedoRefusedError.
    """
    image = image_of(order, proposed.image_id)
    if image.is_being_redone:
        return NOTHING
    require(order.state, type(proposed))
    if order.photos_are_purged:
        raise RedoRefusedError(image_id=proposed.image_id, why=RedoObstacle.PHOTOS_DELETED)
    if image.restored is None:
        raise RedoRefusedError(image_id=proposed.image_id, why=RedoObstacle.NO_RESULT)
    if proposed.by_customer and image.redos_by_customer >= limits.max_redos_by_customer:
        raise RedoRefusedError(image_id=proposed.image_id, why=RedoObstacle.USED_UP)
    return (proposed,)
