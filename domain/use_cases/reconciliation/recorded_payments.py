"""Whether the provider's payments, refunds and disputes are recorded in the log."""

from collections.abc import Iterator, Mapping, Sequence

from domain.order import events as e
from domain.order.values import DisputeOutcome, OrderId
from domain.ports.event_store import UnreadableEvent
from domain.ports.payments import PaymentEventKind, PaymentWebhookEvent
from domain.ports.unit_of_work import HasReconciliationQueries, UnitOfWork
from domain.use_cases.reconciliation.findings import Finding, FindingCase, FindingCode, Side

#: A webhook event that should be recorded and is not, with the finding about it.
Missing = tuple[PaymentWebhookEvent, Finding]


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
                finding = _finding(
                    webhook_event,
                    FindingCode.PAYMENT_NOT_ON_RECORD,
                    checkout.order_id,
                    facts={"paid": checkout.paid},
                )
            elif known != checkout.paid:
                finding = _finding(
                    webhook_event,
                    FindingCode.PAYMENT_OF_ANOTHER_AMOUNT,
                    checkout.order_id,
                    facts={"paid": checkout.paid, "recorded": known},
                )
            else:
                continue
            missing.append((webhook_event, finding))
        return missing

    def refunds(self, page: Sequence[PaymentWebhookEvent]) -> list[Missing]:
        """Return the refunds of orders that are missing or recorded differently."""
        missing = []
        for webhook_event, order_id, history in self._of_our_orders(page):
            finding = _finding_about_refund(webhook_event, history, order_id)
            if finding is not None:
                missing.append((webhook_event, finding))
        return missing

    def disputes(self, page: Sequence[PaymentWebhookEvent]) -> list[Missing]:
        """Return disputes and their outcomes that are missing in the orders' streams."""
        missing = []
        for webhook_event, order_id, history in self._of_our_orders(page):
            if not _knows_dispute(webhook_event, history):
                finding = _finding(
                    webhook_event,
                    FindingCode.DISPUTE_NOT_ON_RECORD,
                    order_id,
                    case=FindingCase.INQUIRY if webhook_event.is_inquiry else FindingCase.DISPUTE,
                    facts={"outcome": webhook_event.outcome or "open"},
                )
                missing.append((webhook_event, finding))
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
    """The provider's id of what a webhook event is about."""
    if webhook_event.checkout is not None:
        return webhook_event.checkout.checkout_session_id
    if webhook_event.refund is not None:
        return webhook_event.refund.provider_refund_id
    return webhook_event.dispute_id or webhook_event.event_id


def _finding_about_refund(
    webhook_event: PaymentWebhookEvent, history: list[e.RecordedEvent], order_id: OrderId
) -> Finding | None:
    """The discrepancy of a refund; one that failed unissued moved no money."""
    refund = webhook_event.refund
    if refund is None:
        return None
    name = refund.provider_refund_id
    events = [recorded.event for recorded in history]
    issued: list[e.RefundProgress] = [
        each for each in events if isinstance(each, e.RefundIssued) and each.provider_refund_id == name
    ]
    has_failed = any(isinstance(each, e.RefundFailed) and each.provider_refund_id == name for each in events)
    if refund.has_failed:
        is_wrong = bool(issued) and not has_failed
        return _finding(webhook_event, FindingCode.REFUND_FAILED_THERE, order_id) if is_wrong else None
    if refund.is_pending:
        issued += [
            each for each in events if isinstance(each, e.RefundAccepted) and each.provider_refund_id == name
        ]
    case = FindingCase.PENDING if refund.is_pending else FindingCase.PAID
    facts: dict[str, object] = {"amount": refund.amount}
    if not issued:
        return _finding(webhook_event, FindingCode.REFUND_NOT_ON_RECORD, order_id, case=case, facts=facts)
    if issued[0].amount != refund.amount:
        facts["recorded"] = issued[0].amount
        return _finding(webhook_event, FindingCode.REFUND_OF_ANOTHER_AMOUNT, order_id, case=case, facts=facts)
    return None


def _knows_dispute(webhook_event: PaymentWebhookEvent, history: list[e.RecordedEvent]) -> bool:
    dispute_events = [
        recorded.event
        for recorded in history
        if isinstance(recorded.event, e.DisputeEvent)
        and recorded.event.dispute_id == webhook_event.dispute_id
    ]
    if webhook_event.is_inquiry:
        return bool(dispute_events)
    if webhook_event.kind is not PaymentEventKind.DISPUTE_CLOSED:
        # A dispute under appeal was lost before, and stays recorded as lost until the appeal is decided.
        return any(
            not event.is_inquiry
            if isinstance(event, e.DisputeOpened)
            else event.outcome is not DisputeOutcome.INQUIRY_CLOSED
            for event in dispute_events
        )
    outcomes = [event.outcome for event in dispute_events if isinstance(event, e.DisputeClosed)]
    return bool(outcomes) and outcomes[-1] is webhook_event.outcome


def _finding(
    webhook_event: PaymentWebhookEvent,
    what: FindingCode,
    order_id: OrderId | None,
    *,
    case: FindingCase | None = None,
    facts: Mapping[str, object] | None = None,
) -> Finding:
    return Finding(
        side=Side.PAYMENTS,
        what=what,
        subject=subject_of(webhook_event),
        order_id=order_id,
        since=webhook_event.created_at,
        case=case,
        facts=facts or {},
    )
