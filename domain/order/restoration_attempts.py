"""Attempts at a photo: how many, after which wait, when none follows.

Restoration is retried on two levels. An *attempt at a photo* is one prediction: a round has up to
``max_restoration_attempts``, with the wait of ``backoff`` in between. After the last one ``decide_restoration`` records
the photo as failed, and its share is refunded once all photos are settled. A *retry of a failed call* repeats one
request of an attempt while the provider is unavailable, and uses up no attempt: the table ``REACTIONS`` of
``domain/use_cases/reaction_handlers.py`` says how often, and what is recorded after the last call.
"""

from datetime import timedelta

from domain.order.image import Image
from domain.order.limits import Limits
from domain.order.values import FailureReason, Variant

#: Failures after which the next attempt starts at once: waiting helps none, or another model is tried.
_WITHOUT_WAIT = frozenset(
    {
        FailureReason.UNREADABLE_INPUT,
        FailureReason.REFUSED_INPUT,
        FailureReason.CONTENT_FILTER,
        FailureReason.TIMED_OUT,
        FailureReason.CANCELED,
        FailureReason.RESULT_LOST,
    }
)


def backoff(image: Image, limits: Limits) -> timedelta:
    """The wait before the next attempt, doubling with each.

    None before the first attempt of a round and after failures where waiting does not help.
    """
    tries = image.spent(image.next_attempt)
    if tries == 1 or image.last_failure in _WITHOUT_WAIT:
        return timedelta(0)
    return limits.restoration_retry * (1 << min(tries - 2, 10))


def attempts_are_used_up(image: Image, attempt: int, limits: Limits) -> bool:
    """Whether an attempt is the last one of its round."""
    return image.spent(attempt) >= limits.max_restoration_attempts


def is_given_up(image: Image, attempt: int, reason: FailureReason, limits: Limits) -> bool:
    """Whether no attempt follows a failure.

    What one model refuses permanently is not retried with it, but tried with the second model if there is one. What
    cannot be decoded is tried with none.
    """
    if reason.is_lost_file or reason is FailureReason.UNREADABLE_INPUT:
        return True
    if reason.is_final and image.to_enlarge is not None:
        return True
    if reason.is_final:
        return image.variant is Variant.SECOND or not limits.has_second_model
    return attempts_are_used_up(image, attempt, limits)
