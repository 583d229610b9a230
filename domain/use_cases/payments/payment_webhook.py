"""Handling of the payment provider's webhook events, each exactly once.

Refunds and disputes are delegated to ``refund_and_dispute_webhooks``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from domain.order.actors import PAYMENT_PROVIDER
from domain.order.values import Sha256
from domain.ports.clock import Clock
from domain.ports.payments import (
    PaymentEventKind,
    PaymentProvider,
    PaymentWebhookEvent,
)
from domain.ports.webhook_inbox import ReceivedEvent
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.order_transaction import OrderTransaction
from domain.use_cases.payments.checkout_sync import CheckoutSync, trigger_of
from domain.use_cases.payments.order_placement import PaymentReport
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


class ReceivedWebhook(NamedTuple):
    """A payment webhook event, with the SHA-256 of its contents."""

    event: PaymentWebhookEvent
    body_sha256: Sha256

    @property
    def as_received(self) -> ReceivedEvent:
        """What the inbox stores of it."""
        return ReceivedEvent(
            event_id=self.event.event_id, event_type=self.event.event_type, body_sha256=self.body_sha256
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
        if is_payment(webhook_event):
            return self.handle_paid([ReceivedWebhook(webhook_event, body_sha256)])[0]
        checkout = webhook_event.checkout
        if checkout is not None and not self.checkout_sync.is_ours(checkout):
            return Handled.OF_ANOTHER_SHOP
        state = self.payments.find_checkout(checkout.checkout_session_id) if checkout else None
        trigger = trigger_of(webhook_event.event_id)

        def work(transaction: OrderTransaction[PaymentWebhookRepositories]) -> None:
            inbox = transaction.repositories.webhook_inbox
            if accept(inbox, webhook_event, body_sha256, self.clock.now()):
                self.checkout_sync.apply_status(transaction, state, trigger)

        self.command_handler.transact(work)
        return Handled.RECORDED

    def handle_paid(self, received: Sequence[ReceivedWebhook]) -> Sequence[Handled]:
        """``handle`` events about payments, ``independent`` ones, in one transaction.

        If this raises, none of them is recorded.
        """
        paid = [(each, checkout) for each in received if (checkout := each.event.checkout) is not None]
        are_ours = [self.checkout_sync.is_ours(checkout) for _, checkout in paid]
        ours = [each for each, is_ours in zip(paid, are_ours, strict=True) if is_ours]

        def work(transaction: OrderTransaction[PaymentWebhookRepositories]) -> None:
            new = transaction.repositories.webhook_inbox.accept_all(
                PAYMENT_PROVIDER, [each.as_received for each, _ in ours], self.clock.now()
            )
            reports = [
                PaymentReport(checkout=checkout, trigger=trigger_of(each.event.event_id))
                for each, checkout in ours
                if each.event.event_id in new
            ]
            self.checkout_sync.apply_paid(transaction, reports)

        if ours:
            self.command_handler.transact(work)
        return [Handled.RECORDED if is_ours else Handled.OF_ANOTHER_SHOP for is_ours in are_ours]


def is_payment(webhook_event: PaymentWebhookEvent) -> bool:
    """Whether an event reports a payment, which the provider need not confirm."""
    return webhook_event.kind is PaymentEventKind.PAID and webhook_event.checkout is not None


def independent(waiting: Sequence[ReceivedWebhook], limit: int) -> Sequence[int]:
    """The first events about payments that one transaction can handle, by position.

    Those of one event, upload session or customer come one after the other. One that spends points locks two
    customers, and comes alone.
    """
    taken: set[object] = set()
    chosen: list[int] = []
    for position, each in enumerate(waiting):
        checkout = each.event.checkout
        if checkout is not None and checkout.spending is not None:
            return chosen or [position]
        email = checkout.email.lower() if checkout and checkout.email else None
        names = {each.event.event_id, checkout.upload_session_id if checkout else None, email} - {None}
        if taken.isdisjoint(names):
            chosen.append(position)
        taken |= names
        if len(chosen) == limit:
            break
    return chosen
