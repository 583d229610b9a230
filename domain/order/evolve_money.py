"""Apply events of refunds, disputes and points to a draft; see ``evolve``."""

from domain.order import events as e
from domain.order.ledger import Dispute, PointsEntry, Refund, RefundStatus
from domain.order.order import Order
from domain.order.replacement import amend, replace
from domain.order.values import DisputeOutcome


def apply_refund(
    order: Order,
    event: e.RefundEvent,
) -> Order:
    """Apply an event to the refund it names."""
    match event:
        case e.RefundRequested():
            refund = Refund(
                refund_id=event.refund_id,
                amount=event.amount,
                reason=event.reason,
                image_ids=event.image_ids,
            )
        case e.RefundAccepted() | e.RefundIssued():
            is_paid = isinstance(event, e.RefundIssued)
            refund = replace(
                order.refunds[event.refund_id],
                status=RefundStatus.ISSUED if is_paid else RefundStatus.PENDING,
                provider_refund_id=event.provider_refund_id,
            )
        case e.RefundFailed():
            known = order.refunds[event.refund_id]
            failed = {event.provider_refund_id} if event.provider_refund_id is not None else set()
            refund = replace(
                known,
                status=RefundStatus.FAILED,
                provider_refund_id=None,
                failed_provider_refund_ids=known.failed_provider_refund_ids | failed,
            )
        case e.RefundDropped():
            refund = replace(order.refunds[event.refund_id], status=RefundStatus.DROPPED)
    return amend(order, refunds={**order.refunds, refund.refund_id: refund})


def reopen_failed_refunds(order: Order) -> Order:
    """Request every failed refund again, under a new attempt number."""
    refunds = {
        refund.refund_id: replace(refund, status=RefundStatus.REQUESTED, attempt=refund.attempt + 1)
        if refund.status is RefundStatus.FAILED
        else refund
        for refund in order.refunds.values()
    }
    return amend(order, refunds=refunds)


def apply_dispute(order: Order, event: e.DisputeEvent) -> Order:
    """Apply an event to the dispute it names."""
    match event:
        case e.DisputeOpened():
            dispute = Dispute(dispute_id=event.dispute_id, amount=event.amount, is_inquiry=event.is_inquiry)
        case e.DisputeClosed():
            known = order.disputes.get(event.dispute_id)
            amount = event.amount or (known.amount if known else None)
            is_inquiry = known.is_inquiry if known else event.outcome is DisputeOutcome.INQUIRY_CLOSED
            dispute = Dispute(
                dispute_id=event.dispute_id, amount=amount, outcome=event.outcome, is_inquiry=is_inquiry
            )
    return amend(order, disputes={**order.disputes, dispute.dispute_id: dispute})


def apply_points(order: Order, event: e.PointsEvent) -> Order:
    """Apply credited or debited points."""
    points = event.points if isinstance(event, e.PointsCredited) else -event.points
    entry = PointsEntry(customer_id=event.customer_id, points=points, reason=event.reason)
    return amend(order, points=(*order.points, entry))
