"""Handling of webhook events about refunds and disputes."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from domain.order.actors import PAYMENT_PROVIDER
from domain.order.deterministic_ids import note_of_payment_by_hand
from domain.order.ledger import RefundStatus
from domain.order.values import DisputeOutcome, Sha256
from domain.ports.clock import Clock
from domain.ports.errors import UnavailableError
from domain.ports.payments import (
    CheckoutStatus,
    PaymentProvider,
    PaymentWebhookEvent,
    dispute_kind,
    refund_kind,
)
from domain.ports.unit_of_work import HasWebhookInbox, UnitOfWork
from domain.ports.webhook_inbox import UNSEEN
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.order_transaction import Cause, OrderTransaction
from domain.use_cases.payments.checkout_sync import (
    UNDECIDED,
    CheckoutSync,
    CheckoutSyncRepositories,
    trigger_of,
)
from domain.use_cases.payments.payment_events import (
    Handled,
    accept,
    event_about_refund,
    proposed_events,
    unmatched_after,
)


class PaymentWebhookRepositories(CheckoutSyncRepositories, HasWebhookInbox, Protocol):
    """The repositories that a payment webhook event is recorded in."""


@dataclass(eq=False, kw_only=True)
class RefundAndDisputeWebhooks:
    """Record refunds and disputes of paid orders and unmatched payments, idempotently."""

    unit_of_work: UnitOfWork[PaymentWebhookRepositories]
    payments: PaymentProvider
    command_handler: OrderCommandHandler[PaymentWebhookRepositories]
    checkout_sync: CheckoutSync
    clock: Clock

    def handle_changed_refunds(self, webhook_event: PaymentWebhookEvent, body_sha256: Sha256) -> Handled:
        """Fetch all refunds of a payment and record the new ones."""
        intent = webhook_event.payment_intent_id
        if intent is None or not self._record_payment_first(intent):
            return Handled.OF_ANOTHER_SHOP
        for refund in self.payments.refunds_of(intent):
            self.handle(event_about_refund(refund, event_type=webhook_event.event_type), UNSEEN)
        self._accept_only(webhook_event, body_sha256)
        return Handled.RECORDED

    def handle(self, webhook_event: PaymentWebhookEvent, body_sha256: Sha256) -> Handled:
        """Record a refund's current status, or a dispute; see ``PaymentWebhook.handle``."""
        if not self._record_payment_first(webhook_event.payment_intent_id):
            return Handled.OF_ANOTHER_SHOP
        current = self._refreshed(webhook_event)
        if current is None:
            self._accept_only(webhook_event, body_sha256)
            return Handled.REFUND_UNKNOWN if webhook_event.refund is not None else Handled.DISPUTE_UNKNOWN
        is_of_another_payment = current.payment_intent_id != webhook_event.payment_intent_id
        if is_of_another_payment and not self._record_payment_first(current.payment_intent_id):
            return Handled.OF_ANOTHER_SHOP
        for failed in self._failed_before(current):
            self.command_handler.transact(partial(self._record, webhook_event=failed, body_sha256=UNSEEN))
        self.command_handler.transact(partial(self._record, webhook_event=current, body_sha256=body_sha256))
        return Handled.RECORDED

    def _record_payment_first(self, intent: str | None) -> bool:
        """Record the payment first if its webhook event is missing.

        False if the payment is not this shop's. Refunds and disputes do not carry the payment's metadata, so its
        checkout is fetched. Raises UnavailableError while that checkout is undecided.
        """
        if intent is None:
            return False
        if self._knows(intent):
            return True
        state = self.payments.find_checkout_by_payment(intent)
        if state is None or not self.checkout_sync.is_ours(state.checkout):
            return False
        if state.status in UNDECIDED:
            raise UnavailableError("The order", "its payment is not there yet")
        if state.status is CheckoutStatus.PAID:
            trigger = trigger_of(state.checkout.checkout_session_id)
            self.command_handler.transact(
                partial(self.checkout_sync.apply_status, state=state, trigger=trigger)
            )
        return True

    def _knows(self, payment_intent_id: str) -> bool:
        with self.unit_of_work.transaction() as repositories:
            return (
                repositories.event_store.load_by_payment(payment_intent_id) is not None
                or repositories.unmatched_payments.find_by_payment(payment_intent_id) is not None
            )

    def _refreshed(self, webhook_event: PaymentWebhookEvent) -> PaymentWebhookEvent | None:
        """The event with the current status of its refund or contradicted dispute.

        None if the provider's API does not know it: a signature alone does not prove that money moved.
        """
        if webhook_event.refund is None:
            return self._refreshed_dispute(webhook_event)
        refund = self.payments.look_up_refund(webhook_event.refund.provider_refund_id)
        if refund is None:
            return None
        return replace(
            webhook_event,
            kind=refund_kind(refund),
            refund=refund,
            refund_id=refund.refund_id,
            payment_intent_id=refund.payment_intent_id,
        )

    def _refreshed_dispute(self, webhook_event: PaymentWebhookEvent) -> PaymentWebhookEvent | None:
        """The event, with the current status if another outcome is recorded."""
        dispute_id = webhook_event.dispute_id
        if dispute_id is None or not self._contradicts_outcome(webhook_event, dispute_id):
            return webhook_event
        dispute = self.payments.look_up_dispute(dispute_id)
        if dispute is None:
            return None
        return replace(
            webhook_event,
            kind=dispute_kind(dispute),
            payment_intent_id=dispute.payment_intent_id or webhook_event.payment_intent_id,
            dispute_amount=dispute.amount,
            is_inquiry=dispute.is_inquiry,
            reason=dispute.reason,
            outcome=dispute.outcome,
            respond_by=dispute.respond_by,
        )

    def _contradicts_outcome(self, webhook_event: PaymentWebhookEvent, dispute_id: str) -> bool:
        """Whether the event contradicts a recorded outcome.

        An appeal can cause this, and so can an event that arrives late.
        """
        intent, outcome = webhook_event.payment_intent_id, webhook_event.outcome
        if intent is None or outcome is None:
            return False
        with self.unit_of_work.transaction() as repositories:
            order = repositories.event_store.load_by_payment(intent)
            unmatched = repositories.unmatched_payments.find_by_payment(intent)
        if order is not None:
            known = order.disputes.get(dispute_id)
            return known is not None and known.outcome not in {None, outcome}
        # An unmatched payment stores only the amount that the bank kept: zero for a dispute that was won.
        is_lost = outcome is DisputeOutcome.LOST
        return unmatched is not None and is_lost and unmatched.returned.get(dispute_id) == 0

    def _failed_before(self, webhook_event: PaymentWebhookEvent) -> list[PaymentWebhookEvent]:
        """Failure events of earlier refunds, if this one would exceed the payment.

        The provider accepts it only if an earlier one has failed, and that webhook event may still be missing.
        """
        refund, intent = webhook_event.refund, webhook_event.payment_intent_id
        if refund is None or refund.has_failed or intent is None:
            return []
        with self.unit_of_work.transaction() as repositories:
            order = repositories.event_store.load_by_payment(intent)
        if order is None:
            return []
        ledger = order.ledger
        counted = {
            known.provider_refund_id: known
            for known in ledger.having(RefundStatus.PENDING, RefundStatus.ISSUED)
        }
        is_counted = refund.provider_refund_id in counted
        if is_counted or ledger.issued + ledger.pending + refund.amount.amount <= ledger.paid:
            return []
        others = [
            self.payments.look_up_refund(name)
            for name in counted
            if name is not None and note_of_payment_by_hand(name) is None
        ]
        return [
            event_about_refund(other, event_type="refund.failed")
            for other in others
            if other is not None and other.has_failed
        ]

    def _record(
        self,
        transaction: OrderTransaction[PaymentWebhookRepositories],
        webhook_event: PaymentWebhookEvent,
        body_sha256: Sha256,
    ) -> None:
        """Record the event on the paid order or on the unmatched payment.

        If there is neither, only the inbox row is written.
        """
        repositories, intent, now = (
            transaction.repositories,
            webhook_event.payment_intent_id,
            self.clock.now(),
        )
        # Find and lock the unmatched payment first: staff may be matching it with an order at this moment.
        unmatched = repositories.unmatched_payments.find_by_payment(intent, lock=True) if intent else None
        paid = repositories.event_store.load_by_payment(intent) if intent else None
        if paid is None:
            is_new = accept(repositories.webhook_inbox, webhook_event, body_sha256, now)
            if is_new and unmatched is not None:
                repositories.unmatched_payments.save(unmatched_after(unmatched, webhook_event, now))
            return
        order = transaction.load(paid.order_id)
        if not accept(repositories.webhook_inbox, webhook_event, body_sha256, now):
            return
        key = f"{PAYMENT_PROVIDER}:{webhook_event.event_id}"
        cause = Cause(name=key, key=key, actor=PAYMENT_PROVIDER, correlation_id=order.order_id)
        transaction.record(order, proposed_events(webhook_event, order), cause)

    def _accept_only(self, webhook_event: PaymentWebhookEvent, body_sha256: Sha256) -> None:
        with self.unit_of_work.transaction() as repositories:
            accept(repositories.webhook_inbox, webhook_event, body_sha256, self.clock.now())
