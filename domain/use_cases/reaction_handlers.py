"""The table of reactions: how each kind is queued, handled and retried."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar

from domain.order import events as e
from domain.order.commands import Proposal
from domain.order.decide_restoration import events_for_failed_attempt
from domain.order.order import Order
from domain.order.reactions import (
    CancelPrediction,
    CollectRestoration,
    DeletePhotos,
    IssueRefund,
    MoveImages,
    PrepareDownload,
    Reaction,
    RestoreImage,
    SendEmail,
)
from domain.order.stored_reasons import OUT_OF_ATTEMPTS
from domain.order.values import FailureReason, HoldReason
from domain.ports.reaction_queue import Claim
from domain.use_cases.delivery.archives import ArchiveBuilder
from domain.use_cases.delivery.emails import EmailSender
from domain.use_cases.payments.refunds import RefundService
from domain.use_cases.privacy.photo_deletion import PhotoDeletion
from domain.use_cases.restoration.originals import OriginalsCopier
from domain.use_cases.restoration.predictions import PredictionService
from domain.use_cases.retry_policy import RetryPolicy
from domain.use_cases.shop_policy import ShopPolicy

_Kind = TypeVar("_Kind", bound=Reaction)


class Queue(StrEnum):
    """One queue per external system, so that an outage delays no other."""

    STORAGE = "storage"
    RESTORATION = "restoration"
    PAYMENTS = "payments"
    EMAIL = "email"


@dataclass(frozen=True, kw_only=True)
class ReactionHandlers:
    """The services that handle reactions."""

    originals_copier: OriginalsCopier
    prediction_service: PredictionService
    archives: ArchiveBuilder
    email_sender: EmailSender
    refund_service: RefundService
    photo_deletion: PhotoDeletion


@dataclass(frozen=True)
class Attempt(Generic[_Kind]):
    """A claimed reaction and its order.

    The order is as loaded with the claim; for a reaction that is given up after its result was recorded, as after that.
    """

    reaction: _Kind
    order: Order
    claim: Claim


@dataclass(frozen=True, kw_only=True)
class ReactionSpec(Generic[_Kind]):
    """A row of the table.

    Args:
        queue: the queue whose workers run it.
        handle: runs it and returns the proposed events.
        retry: its number of attempts, backoff and time limit per call.
        when_exhausted: the events recorded after the last failed attempt; there is no dead-letter queue.
        when_unanswered: the events recorded in place of another attempt when it is unknown whether a call reached its
            provider; None if the call is idempotent.
    """

    queue: Queue
    handle: Callable[[ReactionHandlers, Attempt[_Kind]], Sequence[Proposal]]
    retry: Callable[[ShopPolicy], RetryPolicy]
    when_exhausted: Callable[[Attempt[_Kind]], Sequence[e.Event]]
    when_unanswered: Callable[[Attempt[_Kind]], Sequence[e.Event]] | None = None


def spec_of(reaction: Reaction) -> ReactionSpec[Any]:
    """The table's row for a reaction."""
    return REACTIONS[type(reaction)]


def _every(*, seconds: float, attempts: int, minutes: int) -> Callable[[ShopPolicy], RetryPolicy]:
    """A retry policy independent of the settings.

    ``seconds`` is the first wait, ``minutes`` the time limit of a call.
    """
    policy = RetryPolicy(
        first_wait=timedelta(seconds=seconds), attempts=attempts, time_limit=timedelta(minutes=minutes)
    )
    return lambda _: policy


def _start_failed(attempt: Attempt[RestoreImage]) -> Sequence[e.Event]:
    image = attempt.order.images[attempt.reaction.image_id]
    return [events_for_failed_attempt(image, len(image.attempts), FailureReason.UNAVAILABLE)]


def _not_collected(attempt: Attempt[CollectRestoration]) -> Sequence[e.Event]:
    work = attempt.reaction
    return [
        e.RestorationAttemptFailed(
            image_id=work.image_id,
            attempt=work.attempt,
            prediction_id=work.prediction_id,
            reason=FailureReason.UNAVAILABLE,
        )
    ]


def _email_failed(attempt: Attempt[SendEmail]) -> Sequence[e.Event]:
    work = attempt.reaction
    return [e.EmailFailed(email_id=work.email_id, kind=work.kind, reason=OUT_OF_ATTEMPTS)]


def _email_unconfirmed(attempt: Attempt[SendEmail]) -> Sequence[e.Event]:
    return [e.EmailUnconfirmed(email_id=attempt.reaction.email_id, kind=attempt.reaction.kind)]


def _refund_failed(attempt: Attempt[IssueRefund]) -> Sequence[e.Event]:
    refund_id = attempt.reaction.refund_id
    return [e.RefundFailed(refund_id=refund_id, provider_refund_id=None, reason=OUT_OF_ATTEMPTS)]


REACTIONS: Mapping[type[Reaction], ReactionSpec[Any]] = {
    MoveImages: ReactionSpec[MoveImages](
        queue=Queue.STORAGE,
        handle=lambda do, attempt: do.originals_copier.move_images(attempt.order),
        # All photos of an order go through storage in one attempt: up to 200 of 50 MiB each.
        retry=_every(seconds=1, attempts=24, minutes=120),
        when_exhausted=lambda _: [e.OrderHeld(reason=HoldReason.STORAGE_UNAVAILABLE)],
    ),
    RestoreImage: ReactionSpec[RestoreImage](
        queue=Queue.RESTORATION,
        handle=lambda do, attempt: do.prediction_service.restore_image(attempt.order, attempt.reaction),
        retry=_every(seconds=2, attempts=24, minutes=15),
        when_exhausted=_start_failed,
    ),
    CollectRestoration: ReactionSpec[CollectRestoration](
        queue=Queue.RESTORATION,
        handle=lambda do, attempt: do.prediction_service.collect(
            attempt.order, attempt.reaction, first_due_at=attempt.claim.first_due_at
        ),
        retry=_every(seconds=2, attempts=24, minutes=15),
        when_exhausted=_not_collected,
    ),
    CancelPrediction: ReactionSpec[CancelPrediction](
        queue=Queue.RESTORATION,
        handle=lambda do, attempt: do.prediction_service.cancel(attempt.reaction.prediction_id),
        # Retries last longer than the restorer's own limit for a prediction, so afterwards it has ended anyway.
        retry=_every(seconds=5, attempts=10, minutes=5),
        when_exhausted=lambda _: [],
    ),
    PrepareDownload: ReactionSpec[PrepareDownload](
        queue=Queue.STORAGE,
        handle=lambda do, attempt: do.archives.prepare_download(attempt.order),
        retry=_every(seconds=1, attempts=24, minutes=120),
        when_exhausted=lambda _: [e.OrderHeld(reason=HoldReason.DOWNLOAD_NOT_PREPARED)],
    ),
    SendEmail: ReactionSpec[SendEmail](
        queue=Queue.EMAIL,
        handle=lambda do, attempt: do.email_sender.send_email(attempt.order, attempt.reaction),
        retry=lambda policy: RetryPolicy(
            first_wait=policy.delivery.email_retry, attempts=24, time_limit=timedelta(minutes=15)
        ),
        when_exhausted=_email_failed,
        # The provider may have accepted the e-mail, so it is sent again only as a recorded resend.
        when_unanswered=_email_unconfirmed,
    ),
    IssueRefund: ReactionSpec[IssueRefund](
        queue=Queue.PAYMENTS,
        handle=lambda do, attempt: do.refund_service.issue(
            attempt.order, attempt.reaction, first_due_at=attempt.claim.first_due_at
        ),
        retry=_every(seconds=5, attempts=24, minutes=5),
        when_exhausted=_refund_failed,
    ),
    DeletePhotos: ReactionSpec[DeletePhotos](
        queue=Queue.STORAGE,
        handle=lambda do, attempt: do.photo_deletion.delete_photos(attempt.order),
        # Nothing else deletes the photos, so it is retried every hour for more than a year.
        retry=_every(seconds=5, attempts=10_000, minutes=60),
        when_exhausted=lambda _: [],
    ),
}
