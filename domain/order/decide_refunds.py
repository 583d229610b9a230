"""Decide refunds.

Requested refunds are bounded by the payment; what a provider reports is recorded whatever its amount.
"""

from dataclasses import replace

from domain.order import events as e
from domain.order.decision import NOTHING, Decision, DecisionBuilder
from domain.order.deterministic_ids import refund_id_at_provider, refund_id_of
from domain.order.errors import (
    AmountNotPayableError,
    ImageNotRefundableError,
    RefundExceedsPaymentError,
    UnknownImageError,
)
from domain.order.image import Image
from domain.order.ledger import Refund, RefundStatus
from domain.order.lifecycle import require
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import (
    FailureReason,
    HoldReason,
    ImageId,
    Money,
    RefundReason,
)


def owed_for_failed_images(order: Order) -> Decision:
    """The refund for failed images whose share has none yet.

    It is one refund for all of them. While a dispute is undecided, the remaining amount is unknown: the refund waits.
    """
    if order.is_disputed:
        return NOTHING
    owed = order.uncovered_images
    amount = min(sum(image.share.amount for image in owed), order.refundable_amount)
    if amount <= 0:
        return NOTHING
    return (
        refund_request(order, amount, RefundReason.NOT_RESTORED, tuple(image.image_id for image in owed)),
    )


def decide_refund(
    order: Order,
    proposed: e.RefundEvent,
) -> Decision:
    """Bound requests by the payment; record what the provider did.

    A report that is late, or recorded already, changes nothing.
    """
    known = order.refunds.get(proposed.refund_id)
    match proposed:
        case e.RefundRequested():
            return NOTHING if known is not None else _decide_request(order, proposed)
        case e.RefundAccepted() | e.RefundIssued():
            if known is not None and proposed.provider_refund_id in known.failed_provider_refund_ids:
                return NOTHING  # a late report about a refund that has failed since
            if known is None or known.status is RefundStatus.DROPPED:
                return _record_paid(order, proposed, known)
            if _is_another(known, proposed):
                return decide_refund(order, _as_its_own(order, proposed, known))
            is_late = isinstance(proposed, e.RefundAccepted) and known.status is RefundStatus.PENDING
            return NOTHING if known.status is RefundStatus.ISSUED or is_late else (proposed,)
        case e.RefundFailed():
            return (
                NOTHING
                if known is None or not _concerns_current_try(known, proposed)
                else _decide_failure(order, proposed)
            )
        case e.RefundDropped():
            return NOTHING  # it only follows from an amount that was returned another way


def _decide_request(order: Order, proposed: e.RefundRequested) -> Decision:
    require(order.state, type(proposed))
    _require_at_most(order.refundable_amount, order, proposed.amount)
    draft = DecisionBuilder(order)
    for image_id in proposed.image_ids:
        image = _refundable_image(order, image_id)
        if not image.is_settled:
            draft.add(
                e.RestorationFailed(
                    image_id=image_id, attempts=len(image.attempts), reason=FailureReason.WITHDRAWN
                )
            )
    draft.add(proposed)
    if draft.order.every_image_is_settled and proposed.image_ids:
        for refund in owed_for_failed_images(draft.order):
            draft.add(refund)
    return draft.done()


def _refundable_image(order: Order, image_id: ImageId) -> Image:
    """The image, if it may be refunded by name.

    No image is both delivered and refunded, nor refunded twice; a goodwill refund names an amount. Raise
    UnknownImageError or ImageNotRefundableError.
    """
    if image_id not in order.images:
        raise UnknownImageError(order_id=order.order_id, image_id=image_id)
    image = order.images[image_id]
    is_covered = image_id in order.ledger.covered_images
    may_be_withdrawn = image.failure is not None or order.state is State.RESTORING
    if image.restored is not None or is_covered or not may_be_withdrawn:
        raise ImageNotRefundableError(order_id=order.order_id, image_id=image_id)
    return image


def _is_another(known: Refund, proposed: e.RefundProgress) -> bool:
    """Whether the provider made a second refund beside the known one.

    For example when staff paid it by other means meanwhile.
    """
    counts = known.status in {RefundStatus.PENDING, RefundStatus.ISSUED}
    is_new = proposed.provider_refund_id not in known.failed_provider_refund_ids
    return counts and is_new and proposed.provider_refund_id != known.provider_refund_id


def _as_its_own(order: Order, proposed: e.RefundProgress, known: Refund) -> e.RefundProgress:
    """The same report as a separate refund with its own id."""
    refund_id = refund_id_at_provider(order.order_id, proposed.provider_refund_id)
    if refund_id == known.refund_id:
        # It was made at the provider, failed, and was issued again by the shop; now the first one succeeded after all.
        refund_id = refund_id_at_provider(
            order.order_id, f"{proposed.provider_refund_id}:{known.provider_refund_id}"
        )
    return replace(proposed, refund_id=refund_id)


def _record_paid(order: Order, proposed: e.RefundProgress, known: Refund | None) -> Decision:
    """Record a refund that the shop had not requested, or had dropped.

    A refund that the shop does not know gets a request first. It is recorded whatever a bank took besides; if more was
    refunded than was paid, or in another currency, the order is held for staff.
    """
    require(order.state, type(proposed))
    amount = known.amount if known is not None else proposed.amount
    draft = DecisionBuilder(order)
    excess = amount.amount - order.ledger.unrefunded_amount
    is_counted = order.payment is None or amount.currency == order.payment.paid.currency
    dropped = _drop(draft, excess) if is_counted else []
    if known is None:
        draft.add(
            e.RefundRequested(
                refund_id=proposed.refund_id, amount=amount, reason=RefundReason.AT_PROVIDER, image_ids=()
            )
        )
    draft.add(proposed)
    _request_what_is_left(draft, dropped)
    if not is_counted:
        hold(draft, HoldReason.OTHER_CURRENCY)
    elif draft.order.ledger.overpaid > order.ledger.overpaid:
        hold(draft, HoldReason.OVERPAID)
    return draft.done()


def hold(draft: DecisionBuilder, reason: HoldReason) -> None:
    """Hold the order, unless a graver hold than a failed refund exists."""
    if draft.order.hold in {None, HoldReason.REFUND_NOT_ISSUED}:
        draft.add(e.OrderHeld(reason=reason))


def drop_uncovered_refunds(draft: DecisionBuilder) -> None:
    """Drop refunds of what a bank took, which is not owed twice."""
    _request_what_is_left(draft, _drop(draft, -draft.order.ledger.unrefunded_amount))


def _drop(draft: DecisionBuilder, excess: int) -> list[Refund]:
    """Drop unpaid refunds, newest first, until ``excess`` is covered.

    Less is covered when there are too few of them. Refunds in another currency cover nothing.
    """
    currency = draft.order.ledger.currency
    dropped: list[Refund] = []
    for refund in reversed(draft.order.ledger.having(RefundStatus.REQUESTED, RefundStatus.FAILED)):
        if excess <= 0:
            break
        if refund.amount.currency != currency:
            continue
        draft.add(e.RefundDropped(refund_id=refund.refund_id))
        dropped.append(refund)
        excess -= refund.amount.amount
    return dropped


def _request_what_is_left(draft: DecisionBuilder, dropped: list[Refund]) -> None:
    """Request dropped refunds again, as far as an amount is left."""
    for refund in reversed(dropped):
        amount = min(refund.amount.amount, draft.order.refundable_amount)
        if amount > 0 and draft.order.payment is not None:
            draft.add(refund_request(draft.order, amount, refund.reason, refund.image_ids))


def refund_request(
    order: Order, amount: int, reason: RefundReason, image_ids: tuple[ImageId, ...]
) -> e.RefundRequested:
    """A request for an amount in the payment's currency."""
    if order.payment is None:
        raise AssertionError("A refund is decided only for an order that was paid.")
    return e.RefundRequested(
        refund_id=refund_id_of(order.order_id, len(order.refunds) + 1),
        amount=Money(amount=amount, currency=order.payment.paid.currency),
        reason=reason,
        image_ids=image_ids,
    )


def _decide_failure(order: Order, proposed: e.RefundFailed) -> Decision:
    """Record the failure; the amount is owed again.

    The order is held for staff, and what a bank took meanwhile is no longer owed.
    """
    draft = DecisionBuilder(order, proposed)
    drop_uncovered_refunds(draft)
    if not order.is_held:
        draft.add(e.OrderHeld(reason=HoldReason.REFUND_NOT_ISSUED))
    return draft.done()


def _concerns_current_try(known: Refund, proposed: e.RefundFailed) -> bool:
    """Whether a failure concerns the current try of a refund.

    One of an earlier try, or one that is recorded already, changes nothing.
    """
    if known.status in {RefundStatus.PENDING, RefundStatus.ISSUED}:
        return proposed.provider_refund_id in {None, known.provider_refund_id}
    return known.status is RefundStatus.REQUESTED and (
        proposed.provider_refund_id not in known.failed_provider_refund_ids
    )


def _require_at_most(limit: int, order: Order, asked: Money) -> None:
    paid_in = order.payment.paid.currency if order.payment else asked.currency
    if asked.currency != paid_in or not 0 < asked.amount <= limit:
        refundable = Money(amount=limit, currency=paid_in)
        raise RefundExceedsPaymentError(asked=str(asked), refundable=str(refundable))
    if not asked.is_payable:
        below = asked.rounded_down
        above = replace(below, amount=below.amount + below.step)
        raise AmountNotPayableError(asked=str(asked), below=str(below), above=str(above))
