"""Payments of other shops on the same account, identified once per comparison."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from domain.ports.payments import CheckoutDetails, PaymentProvider, PaymentWebhookEvent
from domain.ports.unit_of_work import HasReconciliationQueries, HasUnmatchedPayments, UnitOfWork
from domain.use_cases.payments.payment_ownership import PaymentOwnership


class ForeignPaymentRepositories(HasReconciliationQueries, HasUnmatchedPayments, Protocol):
    """The repositories that distinguish our own payments from foreign ones."""


@dataclass(eq=False, kw_only=True)
class ForeignPayments:
    """Caches whether checkouts and payment intents are foreign, to save provider requests."""

    unit_of_work: UnitOfWork[ForeignPaymentRepositories]
    payments: PaymentProvider
    ownership: PaymentOwnership
    isolated: Callable[
        [str], AbstractContextManager[None]
    ]  # reports an unreadable answer about a payment intent
    _checkouts: dict[str, bool] = field(
        init=False, default_factory=dict
    )  # whether it is foreign, by checkout
    _intents: dict[str, bool] = field(init=False, default_factory=dict)  # likewise, by payment intent

    def among(self, webhook_events: Sequence[PaymentWebhookEvent]) -> list[PaymentWebhookEvent]:
        """Return the webhook events about payments of other shops.

        Refunds and disputes do not carry the payment's metadata: if neither our tables nor an earlier page know the
        payment intent, its checkout is requested from the provider.
        """
        self._classify_checkouts(
            webhook_event.checkout for webhook_event in webhook_events if webhook_event.checkout is not None
        )
        self._classify_intents({each for each in map(_intent_alone, webhook_events) if each is not None})
        return [webhook_event for webhook_event in webhook_events if self._is_foreign(webhook_event)]

    def _is_foreign(self, webhook_event: PaymentWebhookEvent) -> bool:
        if webhook_event.checkout is not None:
            return self._checkouts[webhook_event.checkout.checkout_session_id]
        return self._intents.get(webhook_event.payment_intent_id or "", True)

    def _classify_checkouts(self, checkouts: Iterable[CheckoutDetails]) -> None:
        unknown = [each for each in checkouts if each.checkout_session_id not in self._checkouts]
        if not unknown:
            return
        with self.unit_of_work.transaction() as transaction:
            foreign = self.ownership.foreign_among(transaction, unknown)
        for checkout in unknown:
            is_foreign = checkout.checkout_session_id in foreign
            self._checkouts[checkout.checkout_session_id] = is_foreign
            if checkout.payment_intent_id is not None:
                self._intents[checkout.payment_intent_id] = is_foreign

    def _classify_intents(self, intents: set[str]) -> None:
        unknown = [intent for intent in sorted(intents) if intent not in self._intents]
        if not unknown:
            return
        with self.unit_of_work.transaction() as transaction:
            known = set(transaction.reconciliation_queries.orders_by_payment(unknown))
            known |= {
                one for one in unknown if transaction.unmatched_payments.find_by_payment(one) is not None
            }
        for intent in unknown:
            self._intents[intent] = intent not in known and self._is_made_by_others(intent)

    def _is_made_by_others(self, intent: str) -> bool:
        state = None
        with self.isolated(intent):
            state = self.payments.find_checkout_by_payment(intent)
        if state is None:
            return True
        with self.unit_of_work.transaction() as transaction:
            return not self.ownership.is_ours(transaction, state.checkout)


def _intent_alone(webhook_event: PaymentWebhookEvent) -> str | None:
    return webhook_event.payment_intent_id if webhook_event.checkout is None else None
