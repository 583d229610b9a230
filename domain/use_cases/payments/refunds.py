"""Issue refunds idempotently through the payment provider."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.order import events as e
from domain.order.ledger import Refund
from domain.order.order import Order
from domain.order.reactions import IssueRefund, reaction_id_of
from domain.order.stored_reasons import NOT_PAYABLE, NOTHING_CHARGED, REFUND_UNKNOWN
from domain.order.values import RefundId
from domain.ports.clock import Clock
from domain.ports.errors import DisputedError, RefusedError
from domain.ports.payments import NewRefund, PaymentProvider, ProviderRefund

#: The provider may drop an idempotency key after 24 hours; then only a lookup shows whether a refund was issued.
KEY_LIFETIME = timedelta(hours=23)


@dataclass(eq=False, kw_only=True)
class RefundService:
    """Issue the refunds of orders."""

    payments: PaymentProvider
    clock: Clock

    def issue(self, order: Order, work: IssueRefund, *, first_due_at: datetime) -> Sequence[e.Event]:
        """Issue a refund, or find the one that was issued; idempotent.

        Returns the resulting event: accepted, issued or failed. Raises DisputedError if the payment is disputed and
        the dispute's webhook event has not arrived: the refund waits for the bank's decision.
        """
        refund = order.refunds[work.refund_id]
        intent = order.payment.payment_intent_id if order.payment else None
        if intent is None:
            return [_failed(refund, None, NOTHING_CHARGED)]
        try:
            issued = self._issue(order, refund, work, intent, first_due_at)
        except DisputedError:
            raise
        except RefusedError as refusal:
            return [_failed(refund, None, refusal.code or "refused")]
        if issued is None or issued.provider_refund_id in refund.failed_provider_refund_ids:
            # A refund that failed before is recorded already and is not the result of this attempt.
            return [_failed(refund, None, REFUND_UNKNOWN)]
        if issued.has_failed:
            return [_failed(refund, issued.provider_refund_id, NOT_PAYABLE)]
        return [event_of(issued, refund.refund_id)]

    def _issue(
        self, order: Order, refund: Refund, work: IssueRefund, intent: str, first_due_at: datetime
    ) -> ProviderRefund | None:
        request = NewRefund(
            refund_id=refund.refund_id,
            order_id=order.order_id,
            payment_intent_id=intent,
            amount=refund.amount,
            idempotency_key=str(reaction_id_of(order.order_id, work)),
        )
        return issue_once(self.payments, request, waited=self.clock.now() - first_due_at)


def event_of(refund: ProviderRefund, refund_id: RefundId) -> e.RefundProgress:
    """The event of a refund that has not failed: accepted or issued."""
    kind = e.RefundAccepted if refund.is_pending else e.RefundIssued
    return kind(refund_id=refund_id, amount=refund.amount, provider_refund_id=refund.provider_refund_id)


def issue_once(payments: PaymentProvider, request: NewRefund, *, waited: timedelta) -> ProviderRefund | None:
    """Issue a refund at most once, however often this is retried.

    ``waited`` is the time since this series of retries began. The idempotency key protects against a lost response,
    but not against an older attempt whose key was different or has expired, so issued refunds are looked up first.
    After KEY_LIFETIME only the lookup is safe: then None means that no refund was found and none was issued.
    """
    found = payments.find_refund(request.payment_intent_id, request.refund_id)
    if waited > KEY_LIFETIME or (found is not None and not found.has_failed):
        return found
    return payments.issue_refund(request)


def _failed(refund: Refund, provider_refund_id: str | None, reason: str) -> e.RefundFailed:
    return e.RefundFailed(refund_id=refund.refund_id, provider_refund_id=provider_refund_id, reason=reason)
