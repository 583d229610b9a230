"""Map refund and dispute webhook events to events and unmatched payments."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from domain.order import events as e
from domain.order.actors import PAYMENT_PROVIDER
from domain.order.deterministic_ids import refund_id_at_provider
from domain.order.order import Order
from domain.order.stored_reasons import NO_REASON
from domain.order.values import DisputeOutcome, Sha256
from domain.ports.payments import PaymentEventKind, PaymentWebhookEvent, ProviderRefund, refund_kind
from domain.ports.webhook_inbox import WebhookInbox
from domain.unmatched_payment import UnmatchedPayment
from domain.use_cases.payments.refunds import event_of


class Handled(StrEnum):
    """The result of handling a webhook event."""

    RECORDED = "recorded"
    OF_ANOTHER_SHOP = "of_another_shop"  # on the same account
    REFUND_UNKNOWN = "refund_unknown"  # to the provider's API
    DISPUTE_UNKNOWN = "dispute_unknown"  # to the provider's API, and contradicts the log


def accept(
    inbox: WebhookInbox, webhook_event: PaymentWebhookEvent, body_sha256: Sha256, now: datetime
) -> bool:
    """Insert an event into the inbox; false if it was handled before."""
    return inbox.accept(PAYMENT_PROVIDER, webhook_event.event_id, webhook_event.event_type, body_sha256, now)


def event_about_refund(refund: ProviderRefund, *, event_type: str) -> PaymentWebhookEvent:
    """The webhook event that would report a refund's current status."""
    kind = refund_kind(refund)
    return PaymentWebhookEvent(
        event_id=f"{refund.provider_refund_id}:{kind}",
        event_type=event_type,
        kind=kind,
        payment_intent_id=refund.payment_intent_id,
        refund=refund,
        refund_id=refund.refund_id,
    )


def proposed_events(webhook_event: PaymentWebhookEvent, order: Order) -> Sequence[e.Event]:
    """The events to propose for a refund or dispute webhook event.

    Empty if it lacks a required field.
    """
    dispute_id, amount = webhook_event.dispute_id, webhook_event.dispute_amount
    if webhook_event.refund is not None:
        return _of_refund(webhook_event, webhook_event.refund, order)
    match webhook_event.kind:
        case PaymentEventKind.DISPUTE_OPENED if dispute_id is not None and amount is not None:
            opened = e.DisputeOpened(
                dispute_id=dispute_id,
                amount=amount,
                reason=webhook_event.reason or NO_REASON,
                is_inquiry=webhook_event.is_inquiry,
                respond_by=webhook_event.respond_by,
            )
            return [opened]
        case PaymentEventKind.DISPUTE_CLOSED if dispute_id is not None and webhook_event.outcome is not None:
            return [e.DisputeClosed(dispute_id=dispute_id, outcome=webhook_event.outcome, amount=amount)]
        case _:
            return []


def _of_refund(webhook_event: PaymentWebhookEvent, refund: ProviderRefund, order: Order) -> Sequence[e.Event]:
    """The events of a refund; an unknown failed one is issued first.

    The result is the same as if both webhook events had arrived in order. If the amount was refunded another way
    meanwhile, none of it is owed, and nothing is recorded.
    """
    refund_id = webhook_event.refund_id or refund_id_at_provider(order.order_id, refund.provider_refund_id)
    issued = event_of(refund, refund_id)
    if not refund.has_failed:
        return [issued]
    failed = e.RefundFailed(
        refund_id=refund_id,
        provider_refund_id=refund.provider_refund_id,
        reason=webhook_event.reason or NO_REASON,
    )
    if refund_id in order.refunds:
        return [failed]
    is_owed_yet = refund.amount.amount <= order.paid_amount - order.refunded_amount - order.ledger.pending
    return [issued, failed] if is_owed_yet else []


def unmatched_after(
    payment: UnmatchedPayment, webhook_event: PaymentWebhookEvent, now: datetime
) -> UnmatchedPayment:
    """Apply a refund or dispute webhook event to an unmatched payment."""
    refund, dispute_id, disputed = (
        webhook_event.refund,
        webhook_event.dispute_id,
        webhook_event.dispute_amount,
    )
    if refund is not None:
        if refund.is_pending:
            return payment
        provider_refund_id = refund.provider_refund_id
        if refund.has_failed:
            refund_id = webhook_event.refund_id or refund.refund_id
            return payment.with_failed_refund(provider_refund_id, refund_id, now)
        return payment.with_returned(provider_refund_id, refund.amount.amount, now)
    if dispute_id is None or disputed is None or webhook_event.is_inquiry:
        return payment
    if webhook_event.outcome is DisputeOutcome.INQUIRY_CLOSED and dispute_id not in payment.returned:
        return payment
    if webhook_event.kind is PaymentEventKind.DISPUTE_OPENED and dispute_id in payment.returned:
        return payment  # its closing arrived first
    # An amount in another currency cannot be compared, so it counts as the whole payment.
    taken = disputed if disputed.currency == payment.paid.currency else payment.paid
    amount = taken.amount if webhook_event.outcome in {None, DisputeOutcome.LOST} else 0
    return payment.with_returned(dispute_id, amount, now)
