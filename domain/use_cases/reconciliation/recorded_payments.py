"""Whether Stripe's payments, refunds and disputes are recorded in the log."""

from collections.abc import Iterator, Sequence

from domain.order import events as e
from domain.order.values import DisputeOutcome, OrderId
from domain.ports.payments import PaymentEventKind, PaymentWebhookEvent, ProviderRefund
from domain.ports.reconciliation_queries import UnreadableEvent
from domain.ports.unit_of_work import HasReconciliationQueries, UnitOfWork
from domain.use_cases.reconciliation.findings import Finding, FindingCode, Side

#: A webhook event that should be recorded and is not, with the finding about it.
Missing = tuple[PaymentWebhookEvent, Finding]

_TAKE_IN = "`--fix` takes it in as its webhook would have"


class RecordedPayments:
    """Compares pages of webhook events with the log in few queries."""

    def __init__(self, *, unit_of_work: UnitOfWork[HasReconciliationQueries]) -> None:
        self._unit_of_work = unit_of_work

    def payments(self, page: Sequence[PaymentWebhookEvent]) -> list[Missing]:
        """Return this shop's payments that no order or unmatched payment records.

        A payment recorded with another amount is returned as well.
        """
        ours = [
            (webhook_event, webhook_event.checkout)
            for webhook_event in page
            if webhook_event.kind is PaymentEventKind.PAID
            and webhook_event.checkout
            and webhook_event.checkout.upload_session_id
        ]
        with self._unit_of_work.transaction() as transaction:
            recorded = transaction.reconciliation_queries.payments(
                [checkout.checkout_session_id for _, checkout in ours]
            )
        missing = []
        for webhook_event, checkout in ours:
            known = recorded.get(checkout.checkout_session_id)
            if known is None:
                wrong = f"{checkout.paid} were paid, and there is neither an order nor an unmatched payment."
                finding = _finding(
                    webhook_event, FindingCode.PAYMENT_NOT_ON_RECORD, wrong, f"{_TAKE_IN}.", checkout.order_id
                )
            elif known != checkout.paid:
                wrong = f"Stripe took {checkout.paid}, and {known} are on record."
                advice = "Compare the payment in Stripe with the order's history."
                finding = _finding(
                    webhook_event, FindingCode.PAYMENT_OF_ANOTHER_AMOUNT, wrong, advice, checkout.order_id
                )
            else:
                continue
            missing.append((webhook_event, finding))
        return missing

    def refunds(self, page: Sequence[PaymentWebhookEvent]) -> list[Missing]:
        """Return the refunds of orders that are missing or recorded differently."""
        missing = []
        for webhook_event, order_id, history in self._of_our_orders(page):
            verdict = _verdict_on_refund(webhook_event, history)
            if verdict is not None:
                advice = f"{_TAKE_IN}; if it stays, compare Stripe with the order's history."
                missing.append((webhook_event, _finding(webhook_event, *verdict, advice, order_id)))
        return missing

    def disputes(self, page: Sequence[PaymentWebhookEvent]) -> list[Missing]:
        """Return disputes and their outcomes that are missing in the orders' streams."""
        missing = []
        for webhook_event, order_id, history in self._of_our_orders(page):
            if not _knows_dispute(webhook_event, history):
                what = "An inquiry" if webhook_event.is_inquiry else "A dispute"
                wrong = f"{what} is {webhook_event.outcome or 'open'} at Stripe, and that is not on record."
                advice = f"{_TAKE_IN}; answer an open dispute in Stripe."
                missing.append(
                    (
                        webhook_event,
                        _finding(webhook_event, FindingCode.DISPUTE_NOT_ON_RECORD, wrong, advice, order_id),
                    )
                )
        return missing

    def unreadable(self, page: Sequence[PaymentWebhookEvent]) -> list[UnreadableEvent]:
        """Return the unreadable events of the orders that a page concerns.

        No other method reports anything about these orders.
        """
        with self._unit_of_work.transaction() as transaction:
            orders = transaction.reconciliation_queries.orders_by_payment(_intents(page))
            return transaction.reconciliation_queries.unreadable_events(list(set(orders.values())))

    def _of_our_orders(
        self, page: Sequence[PaymentWebhookEvent]
    ) -> Iterator[tuple[PaymentWebhookEvent, OrderId, list[e.RecordedEvent]]]:
        """Yield webhook events about orders that can be read, with their streams."""
        with self._unit_of_work.transaction() as transaction:
            orders = transaction.reconciliation_queries.orders_by_payment(_intents(page))
            streams = transaction.reconciliation_queries.streams(list(set(orders.values())))
        for webhook_event in page:
            order_id = orders.get(webhook_event.payment_intent_id or "")
            if order_id in streams:
                yield webhook_event, order_id, streams[order_id]


def _intents(page: Sequence[PaymentWebhookEvent]) -> list[str]:
    return [event.payment_intent_id for event in page if event.payment_intent_id is not None]


def subject_of(webhook_event: PaymentWebhookEvent) -> str:
    """The Stripe id of what a webhook event is about."""
    if webhook_event.checkout is not None:
        return webhook_event.checkout.checkout_session_id
    if webhook_event.refund is not None:
        return webhook_event.refund.provider_refund_id
    return webhook_event.dispute_id or webhook_event.event_id


def _verdict_on_refund(
    webhook_event: PaymentWebhookEvent, history: list[e.RecordedEvent]
) -> tuple[FindingCode, str] | None:
    """Return what is wrong with a refund, as code and sentence.

    A refund that failed and was never recorded as issued moved no money: nothing is wrong with it.
    """
    refund = webhook_event.refund
    if refund is None:
        return None
    name = refund.provider_refund_id
    events = [recorded.event for recorded in history]
    issued: list[e.RefundAccepted | e.RefundIssued] = [
        each for each in events if isinstance(each, e.RefundIssued) and each.provider_refund_id == name
    ]
    has_failed = any(isinstance(each, e.RefundFailed) and each.provider_refund_id == name for each in events)
    if refund.has_failed:
        is_wrong = bool(issued) and not has_failed
        return (
            (FindingCode.REFUND_FAILED_THERE, "A refund counts as issued, and it failed.")
            if is_wrong
            else None
        )
    if refund.is_pending:
        issued += [
            each for each in events if isinstance(each, e.RefundAccepted) and each.provider_refund_id == name
        ]
    if not issued:
        return (
            FindingCode.REFUND_NOT_ON_RECORD,
            f"{refund.amount} {_went(refund)}, and that is not on record.",
        )
    if issued[0].amount != refund.amount:
        return (
            FindingCode.REFUND_OF_ANOTHER_AMOUNT,
            f"{refund.amount} {_went(refund)}, and {issued[0].amount} are on record.",
        )
    return None


def _went(refund: ProviderRefund) -> str:
    return "is on its way back" if refund.is_pending else "went back"


def _knows_dispute(webhook_event: PaymentWebhookEvent, history: list[e.RecordedEvent]) -> bool:
    told = [
        recorded.event
        for recorded in history
        if isinstance(recorded.event, e.DisputeOpened | e.DisputeClosed)
        and recorded.event.dispute_id == webhook_event.dispute_id
    ]
    if webhook_event.is_inquiry:
        return bool(told)
    if webhook_event.kind is not PaymentEventKind.DISPUTE_CLOSED:
        # A dispute under appeal was lost before, and stays recorded as lost until the appeal is decided.
        return any(
            not event.is_inquiry
            if isinstance(event, e.DisputeOpened)
            else event.outcome is not DisputeOutcome.INQUIRY_CLOSED
            for event in told
        )
    outcomes = [event.outcome for event in told if isinstance(event, e.DisputeClosed)]
    return bool(outcomes) and outcomes[-1] is webhook_event.outcome


def _finding(
    webhook_event: PaymentWebhookEvent, what: FindingCode, wrong: str, advice: str, order_id: OrderId | None
) -> Finding:
    return Finding(
        side=Side.STRIPE,
        what=what,
        subject=subject_of(webhook_event),
        order_id=order_id,
        since=webhook_event.created_at,
        wrong=wrong,
        advice=advice,
    )
