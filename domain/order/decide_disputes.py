"""Decide disputes.

A bank takes the money of a dispute by itself; what the shop still owes follows from its outcome.
"""

from domain.order import events as e
from domain.order.decide_refunds import drop_uncovered_refunds, hold, owed_for_failed_images, refund_request
from domain.order.decision import NOTHING, Decision, DecisionBuilder
from domain.order.email import EmailStatus
from domain.order.ledger import Dispute
from domain.order.lifecycle import require
from domain.order.order import Order
from domain.order.states import REFUND_STATES
from domain.order.values import DisputeOutcome, EmailKind, HoldReason, RefundReason


def decide_dispute(order: Order, proposed: e.DisputeEvent) -> Decision:
    """Record a dispute and adjust what the shop still owes.

    A lost dispute drops refunds that the bank has covered. Refunds that waited for the decision are requested then, as
    far as an amount is left.
    """
    known = order.disputes.get(proposed.dispute_id)
    if isinstance(proposed, e.DisputeOpened):
        if known is not None and not _becomes_a_chargeback(known, proposed):
            return NOTHING
        require(order.state, type(proposed))
        return (proposed,)
    if known is not None and (known.outcome is proposed.outcome or _is_stale(known, proposed)):
        return NOTHING
    require(order.state, type(proposed))
    draft = DecisionBuilder(order, proposed)
    if proposed.outcome is DisputeOutcome.LOST:
        drop_uncovered_refunds(draft)
        if _is_in_another_currency(draft.order, proposed.dispute_id):
            hold(draft, HoldReason.OTHER_CURRENCY)
    if draft.order.every_image_is_settled:
        for refund in owed_for_failed_images(draft.order):
            draft.add(refund)
    if draft.order.state in REFUND_STATES and draft.order.refundable_amount:
        # The order was stopped for good, so everything the bank left is refunded.
        draft.add(refund_request(draft.order, draft.order.refundable_amount, RefundReason.REQUESTED, ()))
    if _lacks_its_link(draft.order):
        # The last link was revoked while the bank had the money; the e-mail brings a new one.
        kind = EmailKind.NEW_LINK
        draft.add(e.EmailRequested(email_id=draft.order.next_email_id(kind), kind=kind))
    return draft.done()


def _lacks_its_link(order: Order) -> bool:
    is_to_be_had = order.is_deliverable and bool(order.links) and not order.photos_are_purged
    is_on_its_way = any(
        email.kind.brings_a_link and email.status is EmailStatus.DUE for email in order.emails.values()
    )
    return is_to_be_had and order.newest_link is None and not is_on_its_way


def _becomes_a_chargeback(known: Dispute, proposed: e.DisputeOpened) -> bool:
    """Whether an inquiry continues as a dispute that takes the money."""
    was_inquiry = known.is_inquiry and known.outcome in {None, DisputeOutcome.INQUIRY_CLOSED}
    return was_inquiry and not proposed.is_inquiry


def _is_stale(known: Dispute, proposed: e.DisputeClosed) -> bool:
    """Whether an inquiry's end is reported too late.

    It became a chargeback before, or has another outcome already.
    """
    is_past = not known.is_inquiry or known.outcome is not None
    return proposed.outcome is DisputeOutcome.INQUIRY_CLOSED and is_past


def _is_in_another_currency(order: Order, dispute_id: str) -> bool:
    amount, payment = order.disputes[dispute_id].amount, order.payment
    return amount is not None and payment is not None and amount.currency != payment.paid.currency
