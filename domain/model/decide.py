"""Which events go on record: ``decide`` takes an order and what is said to have happened, or is wished for.

What is said comes as the event it would be. The answer is that event with whatever follows from it at once, or
nothing when the order knows it already or it came too late to matter. A wish the order's state does not allow
raises IllegalMoveError.
"""

from dataclasses import dataclass
from typing import assert_never

from domain.model import events as e
from domain.model.errors import (
    AlreadyPaidError,
    ImageNotRefundableError,
    RefundExceedsPaymentError,
    UnknownImageError,
)
from domain.model.evolve import evolve
from domain.model.identity import refund_id_of
from domain.model.lifecycle import State, allowed, require
from domain.model.order import AttemptStatus, Email, EmailStatus, Image, Order, Refund, RefundStatus
from domain.model.values import EmailKind, HoldReason, ImageId, Money, RefundReason

Decision = tuple[e.Event, ...]
NOTHING: Decision = ()


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How often the shop tries before it gives an image up."""

    max_restoration_attempts: int = 3
    has_second_model: bool = False  # to offer what the first one does not take


def decide(order: Order, said: e.Event, limits: Limits) -> Decision:  # noqa: PLR0911, PLR0912, C901 -- a case per event
    """The events to record, none if ``said`` is nothing new; raises a ShopError if the order cannot take it."""
    match said:
        case e.PaymentReceived():
            return _decide_payment(order, said)
        case e.ImagesMoved():
            return _decide_move(order, said)
        case e.RestorationStarted():
            return _decide_start(order, said)
        case e.RestorationAttemptFailed():
            return _decide_attempt_failure(order, said, limits)
        case e.RestorationCompleted() | e.RestorationFailed():
            return _decide_settled_image(order, said)
        case e.DownloadPrepared():
            return (said,) if order.state is State.SETTLED else NOTHING
        case e.EmailSent() | e.EmailUnconfirmed() | e.EmailFailed():
            return _decide_email(order, said)
        case e.ResultDownloaded():
            return _decide_download(order, said)
        case e.RefundRequested() | e.RefundIssued() | e.RefundFailed():
            return _decide_refund(order, said)
        case e.DisputeOpened():
            return _unless(said.dispute_id in order.disputes, order, said)
        case e.DisputeClosed():
            return _unless(order.disputes.get(said.dispute_id) is said.outcome, order, said)
        case e.OrderHeld():
            return _unless(order.is_held, order, said)
        case e.OrderReleased():
            return _unless(not order.is_held, order, said)
        case e.PhotosPurged():
            return _unless(order.photos_are_purged, order, said)
        case e.OrderErased():
            return _unless(order.state is State.ERASED, order, said)
        case e.NoteAdded():
            return _unless(False, order, said)  # noqa: FBT003 -- no note is ever known before
        case _:
            assert_never(said)


def _unless(known: bool, order: Order, wish: e.Event) -> Decision:  # noqa: FBT001 -- reads as a sentence at the call
    if known:
        return NOTHING
    require(order.state, type(wish))
    return (wish,)


def _decide_payment(order: Order, said: e.PaymentReceived) -> Decision:
    if order.payment is not None:
        if order.payment.checkout_session_id == said.checkout_session_id:
            return NOTHING
        raise AlreadyPaidError(order_id=order.order_id, checkout_session_id=said.checkout_session_id)
    require(order.state, type(said))
    if said.paid == said.quoted - said.discount:
        return (said,)
    return (said, e.OrderHeld(reason=HoldReason.AMOUNT_MISMATCH))


def _decide_move(order: Order, said: e.ImagesMoved) -> Decision:
    if order.state is not State.PAID:
        return NOTHING
    for moved in said.images:
        _image(order, moved.image_id)
    return (said,)


def _decide_start(order: Order, said: e.RestorationStarted) -> Decision:
    image = _image(order, said.image_id)
    is_in_turn = said.attempt in {image.next_attempt - 1, image.next_attempt}
    if order.state is not State.RESTORING or image.is_settled or not is_in_turn:
        return NOTHING
    known = image.attempts.get(said.attempt)
    return NOTHING if known and known.prediction_id == said.prediction_id else (said,)


def _decide_attempt_failure(order: Order, said: e.RestorationAttemptFailed, limits: Limits) -> Decision:
    image = _image(order, said.image_id)
    known = image.attempts.get(said.attempt)
    is_running = known is not None and known.status is AttemptStatus.RUNNING
    belongs_to_another = is_running and known is not None and known.prediction_id != said.prediction_id
    is_known = not is_running and (image.running is not None or said.attempt != image.next_attempt)
    if order.state is not State.RESTORING or image.is_settled or belongs_to_another or is_known:
        return NOTHING
    if said.reason.is_final or said.attempt >= limits.max_restoration_attempts:
        gave_up = e.RestorationFailed(image_id=said.image_id, attempts=said.attempt, reason=said.reason)
        return (said, *_decide_settled_image(evolve(order, said), gave_up))
    return (said,)


def _decide_settled_image(order: Order, said: e.RestorationCompleted | e.RestorationFailed) -> Decision:
    """The first outcome of an image wins; the last image to settle brings what is owed for the failed ones."""
    if order.state is not State.RESTORING or _image(order, said.image_id).is_settled:
        return NOTHING
    after = evolve(order, said)
    if not after.every_image_is_settled:
        return (said,)
    owed = [image for image in after.failed_images if image.share.amount > 0]
    if not owed or order.payment is None:
        return (said,)
    amount = min(sum(image.share.amount for image in owed), after.refundable_amount)
    if amount <= 0:
        return (said,)
    refund = e.RefundRequested(
        refund_id=refund_id_of(order.order_id, len(order.refunds) + 1),
        amount=Money(amount=amount, currency=order.payment.paid.currency),
        reason=RefundReason.NOT_RESTORED,
        image_ids=tuple(image.image_id for image in owed),
    )
    return (said, refund)


def _decide_email(order: Order, said: e.EmailSent | e.EmailUnconfirmed | e.EmailFailed) -> Decision:
    email = order.emails.get(said.email_id)
    if email is None or email.status is EmailStatus.SENT or type(said) not in allowed(order.state):
        return NOTHING
    match said:
        case e.EmailSent():
            return (said,)
        case e.EmailUnconfirmed():
            if email.status is EmailStatus.DUE:
                return (said,)
            # The one resend was lost as well: a third mail could be one too many, so a person decides.
            return _email_failed(order, email, "The provider's answer was lost twice.")
        case e.EmailFailed():
            return _email_failed(order, email, said.reason)


def _email_failed(order: Order, email: Email, reason: str) -> Decision:
    if email.status is EmailStatus.FAILED:
        return NOTHING
    failed = e.EmailFailed(email_id=email.email_id, kind=email.kind, reason=reason)
    if email.kind is EmailKind.RESULT and not order.is_held:
        return (failed, e.OrderHeld(reason=HoldReason.EMAIL_NOT_SENT))
    return (failed,)


def _decide_download(order: Order, said: e.ResultDownloaded) -> Decision:
    """Only the first time each thing is fetched goes on record, so that nobody can flood the log with clicks."""
    link = order.links.get(said.link_id)
    if link is None or said.image_id in link.opened or type(said) not in allowed(order.state):
        return NOTHING
    return (said,)


def _decide_refund(order: Order, said: e.RefundRequested | e.RefundIssued | e.RefundFailed) -> Decision:
    known = order.refunds.get(said.refund_id)
    match said:
        case e.RefundRequested():
            if known is not None:
                return NOTHING
            require(order.state, type(said))
            _require_refundable(order, said.amount)
            _require_not_delivered(order, said.image_ids)
            return (said,)
        case e.RefundIssued():
            if known is not None:
                return _decide_issue(known, said)
            # Made in the provider's dashboard: it is on record as if the shop had asked for it.
            asked = e.RefundRequested(
                refund_id=said.refund_id,
                amount=said.amount,
                reason=RefundReason.AT_PROVIDER,
                image_ids=(),
            )
            return (*_decide_refund(order, asked), said)
        case e.RefundFailed():
            if known is None or not _is_news(known, said):
                return NOTHING
            hold = () if order.is_held else (e.OrderHeld(reason=HoldReason.REFUND_NOT_ISSUED),)
            return (said, *hold) if order.state is not State.ERASED else (said,)


def _decide_issue(known: Refund, said: e.RefundIssued) -> Decision:
    """Late word of a refund that has failed since does not bring the money back."""
    has_failed = said.provider_refund_id in known.failed_provider_refund_ids
    return NOTHING if known.status is RefundStatus.ISSUED or has_failed else (said,)


def _is_news(known: Refund, said: e.RefundFailed) -> bool:
    """Whether a failure is about the refund that counts now, and not about an earlier try of it."""
    if known.status is RefundStatus.ISSUED:
        return said.provider_refund_id in {None, known.provider_refund_id}
    return known.status is RefundStatus.REQUESTED and (
        said.provider_refund_id not in known.failed_provider_refund_ids
    )


def _require_refundable(order: Order, asked: Money) -> None:
    paid_in = order.payment.paid.currency if order.payment else asked.currency
    refundable = Money(amount=order.refundable_amount, currency=paid_in)
    if asked.currency != paid_in or not 0 < asked.amount <= refundable.amount:
        raise RefundExceedsPaymentError(asked=str(asked), refundable=str(refundable))


def _require_not_delivered(order: Order, image_ids: tuple[ImageId, ...]) -> None:
    """No photo is both delivered and refunded, nor refunded twice; goodwill is a refund of an amount."""
    refunded = {image_id for refund in order.refunds.values() for image_id in refund.image_ids}
    for image_id in image_ids:
        if _image(order, image_id).restored is not None or image_id in refunded:
            raise ImageNotRefundableError(order_id=order.order_id, image_id=image_id)


def _image(order: Order, image_id: ImageId) -> Image:
    if image_id not in order.images:
        raise UnknownImageError(order_id=order.order_id, image_id=image_id)
    return order.images[image_id]
