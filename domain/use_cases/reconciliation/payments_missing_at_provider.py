"""The comparison of recorded payments and refunds with the provider.

Each must exist there with the same amount.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from domain.order import events as e
from domain.order.deterministic_ids import note_of_payment_by_hand
from domain.order.values import Money
from domain.ports.payments import CheckoutStatus, PaymentProvider
from domain.ports.unit_of_work import HasReconciliationQueries, UnitOfWork
from domain.use_cases.reconciliation.comparison import ComparisonContext, paged
from domain.use_cases.reconciliation.findings import Finding, FindingCode, Side


@dataclass
class Seen:
    """Provider's ids that were on a list and have been compared."""

    checkouts: set[str] = field(default_factory=set)
    refunds: set[str] = field(default_factory=set)


@dataclass(eq=False, kw_only=True)
class MissingAtProvider:
    """Compares recorded payments and refunds with the provider."""

    unit_of_work: UnitOfWork[HasReconciliationQueries]
    payments: PaymentProvider

    def unknown_to_provider(self, context: ComparisonContext, seen: Seen) -> Iterator[Finding]:
        """Yield payments and refunds recorded since, but missing or different there.

        Those that were on a list are skipped; the few others are requested one by one.
        """
        with self.unit_of_work.transaction() as transaction:
            order_ids = transaction.reconciliation_queries.orders_since(context.since)
        for page in paged(order_ids):
            context.watch(len(page))
            with self.unit_of_work.transaction() as transaction:
                streams = transaction.reconciliation_queries.streams(page)
            for recorded in (each for stream in streams.values() for each in stream):
                if not context.since <= recorded.recorded_at <= context.settled_before:
                    continue
                match recorded.event:
                    case e.PaymentReceived(checkout_session_id=name, paid=paid) if name not in seen.checkouts:
                        with context.isolated(Side.PAYMENTS, "checkout", name):
                            if (found := self._paid(name)) != paid:
                                yield _finding(
                                    recorded, FindingCode.PAYMENT_NOT_AT_PROVIDER, name, paid, found
                                )
                    case e.RefundIssued(provider_refund_id=name) if note_of_payment_by_hand(name) is not None:
                        pass  # staff paid it another way: the provider has no record of it
                    case (
                        e.RefundAccepted(provider_refund_id=name, amount=amount)
                        | e.RefundIssued(provider_refund_id=name, amount=amount)
                    ) if name not in seen.refunds:
                        with context.isolated(Side.PAYMENTS, "refund", name):
                            if (found := self._paid_back(name)) != amount:
                                yield _finding(
                                    recorded, FindingCode.REFUND_NOT_AT_PROVIDER, name, amount, found
                                )
                    case _:
                        pass

    def _paid(self, checkout_session_id: str) -> Money | None:
        state = self.payments.find_checkout(checkout_session_id)
        return state.checkout.paid if state and state.status is CheckoutStatus.PAID else None

    def _paid_back(self, provider_refund_id: str) -> Money | None:
        refund = self.payments.look_up_refund(provider_refund_id)
        return refund.amount if refund is not None else None


def _finding(
    recorded: e.RecordedEvent, what: FindingCode, name: str, claimed: Money, found: Money | None
) -> Finding:
    return Finding(
        side=Side.PAYMENTS,
        what=what,
        subject=name,
        order_id=recorded.order_id,
        since=recorded.recorded_at,
        facts={"recorded": claimed, "found": found},
    )
