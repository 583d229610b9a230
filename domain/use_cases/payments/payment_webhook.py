"""Handling of the payment provider's webhook events, each exactly once.

Refunds and disputes are delegated to ``refund_and_dispute_webhooks``.
"""

from dataclasses import dataclass

from domain.order.values import Sha256
from domain.ports.clock import Clock
from domain.ports.payments import (
    CheckoutState,
    CheckoutStatus,
    PaymentEventKind,
    PaymentProvider,
    PaymentWebhookEvent,
)
from domain.use_cases.order_command_handler import OrderCommandHandler, OrderTransaction
from domain.use_cases.payments.checkout_sync import CheckoutSync, trigger_of
from domain.use_cases.payments.payment_events import Handled, accept
from domain.use_cases.payments.refund_and_dispute_webhooks import (
    PaymentWebhookRepositories,
    RefundAndDisputeWebhooks,
)

_REFUNDS_AND_DISPUTES = frozenset(
    {
        PaymentEventKind.REFUND_PENDING,
        PaymentEventKind.REFUND_ISSUED,
        PaymentEventKind.REFUND_FAILED,
        PaymentEventKind.DISPUTE_OPENED,
        PaymentEventKind.DISPUTE_CLOSED,
    }
)


@dataclass(eq=False, kw_only=True)
class PaymentWebhook:
    """Handle payment webhook events, which may be repeated and out of order.

    So an event is trusted only where no other can contradict it: a payment was made. For any other event the current
    status is fetched from the provider, always before a transaction is opened.
    """

    payments: PaymentProvider
    command_handler: OrderCommandHandler[PaymentWebhookRepositories]
    checkout_sync: CheckoutSync
    refunds_and_disputes: RefundAndDisputeWebhooks
    clock: Clock

    def handle(self, webhook_event: PaymentWebhookEvent, body_sha256: Sha256) -> Handled:
        """Record a webhook event in inbox, customer and order; idempotent.

        All of it is one transaction. For another shop's payment on the same account nothing is stored. A refund that
        the provider's API does not know changes nothing, even with a valid signature.

        Once this returns, everything is committed and the event can be answered with 200. Raises UnavailableError
        when the provider cannot be reached, or when the event depends on one that is not known yet: the provider has
        to send it again.
        """
        if webhook_event.kind is PaymentEventKind.REFUNDS_CHANGED:
            return self.refunds_and_disputes.handle_changed_refunds(webhook_event, body_sha256)
        if webhook_event.kind in _REFUNDS_AND_DISPUTES:
            return self.refunds_and_disputes.handle(webhook_event, body_sha256)
        checkout = webhook_event.checkout
        if checkout is not None and not self.checkout_sync.is_ours(checkout):
            return Handled.OF_ANOTHER_SHOP
        if checkout is None or webhook_event.kind is PaymentEventKind.PAID:
            state = CheckoutState(status=CheckoutStatus.PAID, checkout=checkout) if checkout else None
        else:
            state = self.payments.find_checkout(checkout.checkout_session_id)
        trigger = trigger_of(webhook_event.event_id)

        def work(transaction: OrderTransaction[PaymentWebhookRepositories]) -> None:
            inbox = transaction.repositories.webhook_inbox
            if accept(inbox, webhook_event, body_sha256, self.clock.now()):
                self.checkout_sync.apply_status(transaction, state, trigger)

        self.command_handler.transact(work)
        return Handled.RECORDED
