"""The comparison of the payment provider's lists with the log."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from domain.order.actors import PAYMENT_PROVIDER
from domain.order.stored_reasons import LISTED_CHECKOUT
from domain.ports.payments import CheckoutStatus, PaymentEventKind, PaymentProvider, PaymentWebhookEvent
from domain.ports.provider_listings import EndpointVersion, ListedCheckout, PaymentListing
from domain.ports.unit_of_work import (
    HasReconciliationQueries,
    HasUnmatchedPayments,
    HasUploadSessions,
    UnitOfWork,
)
from domain.ports.webhook_inbox import UNSEEN
from domain.use_cases.payments.checkout_sync import CheckoutSync
from domain.use_cases.payments.payment_ownership import PaymentOwnership
from domain.use_cases.payments.payment_webhook import PaymentWebhook
from domain.use_cases.reconciliation.comparison import ComparisonContext, paged
from domain.use_cases.reconciliation.findings import Finding, FindingCode, Foreign, Side, stream_broken
from domain.use_cases.reconciliation.foreign_payments import ForeignPayments
from domain.use_cases.reconciliation.payments_missing_at_provider import MissingAtProvider, Seen
from domain.use_cases.reconciliation.recorded_payments import Missing, RecordedPayments, subject_of


class PaymentComparisonRepositories(
    HasReconciliationQueries, HasUnmatchedPayments, HasUploadSessions, Protocol
):
    """The repositories that the comparison of payments reads."""


Judge = Callable[[Sequence[PaymentWebhookEvent]], list[Missing]]

_KINDS = {
    CheckoutStatus.OPEN: PaymentEventKind.OTHER,
    CheckoutStatus.PENDING: PaymentEventKind.PENDING,
    CheckoutStatus.PAID: PaymentEventKind.PAID,
    CheckoutStatus.FAILED: PaymentEventKind.ABANDONED,
    CheckoutStatus.EXPIRED: PaymentEventKind.ABANDONED,
}


@dataclass(kw_only=True)
class _Lists:
    """What the provider's lists contain, collected before its events are read.

    The events then show whether a missing item's webhook event is lost or still in transit.
    """

    seen: Seen = field(default_factory=Seen)
    missing: list[tuple[Judge, Missing]] = field(default_factory=list)
    foreign: ForeignPayments


@dataclass(kw_only=True)
class _Events:
    """This shop's webhook events in the provider's list, newest first."""

    lost: list[PaymentWebhookEvent] = field(default_factory=list)  # the inbox never received them
    subjects: set[str] = field(default_factory=set)  # subjects of events that are lost or young
    newest: PaymentWebhookEvent | None = None
    has_refund_event: bool | None = None  # whether the newest settled event of a refund was delivered

    def version_finding(self, endpoint: EndpointVersion | None) -> Finding | None:
        """Return a finding if it may send no refund events for cards.

        The version of the endpoint decides. If it is unknown, the events do, which the provider lists in the account's
        version: an endpoint with a newer version of its own is recognised by the refund events that were received.
        """
        if endpoint is not None:
            version, is_old = endpoint.api_version, endpoint.is_old
        elif self.newest is not None and self.newest.is_of_old_version and not self.has_refund_event:
            version, is_old = self.newest.api_version or "unknown", True
        else:
            return None
        if not is_old:
            return None
        return Finding(
            side=Side.PAYMENTS,
            what=FindingCode.WEBHOOK_VERSION_OLD,
            subject=version,
            since=self.newest.created_at if self.newest is not None else None,
        )


@dataclass(eq=False, kw_only=True)
class PaymentComparison:
    """Compares checkouts, refunds, disputes and their webhook events with the log.

    The objects are listed before the events: the event of anything that happens in between is then seen to be young.
    """

    side = Side.PAYMENTS

    unit_of_work: UnitOfWork[PaymentComparisonRepositories]
    ledger: PaymentListing
    payments: PaymentProvider
    payment_webhook: PaymentWebhook
    checkout_sync: CheckoutSync
    ownership: PaymentOwnership

    @property
    def _record(self) -> RecordedPayments:
        return RecordedPayments(unit_of_work=self.unit_of_work)

    def compare(self, context: ComparisonContext) -> Iterator[Finding]:
        """Yield discrepancies of the provider's lists, then of recorded payments and refunds."""
        lists = self._lists(context)
        events = self._events(context, lists.foreign)
        subjects = events.subjects
        version = events.version_finding(self.ledger.endpoint_version(context.unreadable(self.side)))
        if version is not None:
            yield version
        events.lost.reverse()  # oldest first
        yield from self._apply_all(context, events.lost)
        for judge, (webhook_event, finding) in lists.missing:
            if subject_of(webhook_event) not in subjects:
                subjects.add(subject_of(webhook_event))
                yield self._repair(context, webhook_event, finding, judge)
        yield from self._waiting(context, subjects)
        at_provider = MissingAtProvider(unit_of_work=self.unit_of_work, payments=self.payments)
        yield from at_provider.unknown_to_provider(context, lists.seen)

    def _lists(self, context: ComparisonContext) -> _Lists:
        lists = _Lists(
            foreign=ForeignPayments(
                unit_of_work=self.unit_of_work,
                payments=self.payments,
                ownership=self.ownership,
                isolated=lambda intent: context.isolated(self.side, "checkout_of_payment", intent),
            )
        )
        unreadable = context.unreadable(self.side)
        for checkouts in paged(
            _webhook_event(listed) for listed in self.ledger.checkouts(context.since, unreadable)
        ):
            # An open or unpaid checkout is not a payment, whatever the log contains.
            paid = (
                webhook_event for webhook_event in checkouts if webhook_event.kind is PaymentEventKind.PAID
            )
            lists.seen.checkouts.update(subject_of(webhook_event) for webhook_event in paid)
            self._judge(context, lists, "payment", checkouts, self._record.payments)
        for refunds in paged(self.ledger.refunds(context.since, unreadable)):
            lists.seen.refunds.update(subject_of(webhook_event) for webhook_event in refunds)
            self._judge(context, lists, "refund", refunds, self._record.refunds)
        for disputes in paged(self.ledger.disputes(context.since, unreadable)):
            self._judge(context, lists, "dispute", disputes, self._record.disputes)
        return lists

    def _judge(
        self,
        context: ComparisonContext,
        lists: _Lists,
        kind: str,
        page: Sequence[PaymentWebhookEvent],
        judge: Judge,
    ) -> None:
        context.watch(len(page))
        foreign = lists.foreign.among(page)
        for webhook_event in foreign:
            # An unpaid checkout of another shop is not worth reporting.
            if webhook_event.checkout is None or webhook_event.kind is PaymentEventKind.PAID:
                context.report_foreign(
                    Foreign(
                        side=self.side,
                        kind=kind,
                        subject=subject_of(webhook_event),
                        since=webhook_event.created_at,
                    )
                )
        ours = [webhook_event for webhook_event in page if webhook_event not in foreign]
        lists.missing.extend((judge, missing) for missing in judge(ours))
        for unreadable in self._record.unreadable(ours):
            context.report(stream_broken(unreadable))

    def _events(self, context: ComparisonContext, foreign: ForeignPayments) -> _Events:
        events = _Events()
        for page in paged(self.ledger.events(context.since, context.unreadable(self.side))):
            context.watch(len(page))
            with self.unit_of_work.transaction() as transaction:
                unknown = transaction.reconciliation_queries.unknown_messages(
                    PAYMENT_PROVIDER, [each.event_id for each in page]
                )
            others = {
                event.event_id for event in foreign.among([each for each in page if each.event_id in unknown])
            }
            for event in page:
                if event.event_id in others:
                    continue
                created_at = event.created_at
                is_young = created_at is None or created_at > context.settled_before
                is_unknown = event.event_id in unknown
                if is_young or is_unknown:
                    events.subjects.add(subject_of(event))
                if is_unknown and not is_young:
                    events.lost.append(event)
                events.newest = events.newest or event
                is_settled_refund = event.refund is not None and not (is_unknown and is_young)
                if is_settled_refund and events.has_refund_event is None:
                    events.has_refund_event = not is_unknown
        return events

    def _apply_all(
        self, context: ComparisonContext, lost: Sequence[PaymentWebhookEvent]
    ) -> Iterator[Finding]:
        """Handle lost webhook events, oldest first, and yield a finding for each.

        An event that depends on another one is tried once more after all others.
        """
        waiting: list[PaymentWebhookEvent] = []
        for event in lost:
            finding = self._apply(context, event)
            if context.repairs and not finding.is_repaired:
                waiting.append(event)
            else:
                yield finding
        for event in waiting:
            yield self._apply(context, event)

    def _apply(self, context: ComparisonContext, webhook_event: PaymentWebhookEvent) -> Finding:
        finding = Finding(
            side=Side.PAYMENTS,
            what=FindingCode.NOTICE_LOST,
            subject=webhook_event.event_id,
            order_id=webhook_event.checkout.order_id if webhook_event.checkout else None,
            since=webhook_event.created_at,
            facts={"event_type": webhook_event.event_type, "about": subject_of(webhook_event)},
        )
        return context.repair(finding, lambda: self.payment_webhook.handle(webhook_event, UNSEEN))

    def _repair(
        self, context: ComparisonContext, webhook_event: PaymentWebhookEvent, finding: Finding, judge: Judge
    ) -> Finding:
        checkout = webhook_event.checkout
        return context.repair(
            finding,
            lambda: (
                self.checkout_sync.sync_checkout(checkout.checkout_session_id)
                if checkout is not None
                else self.payment_webhook.handle(webhook_event, UNSEEN)
            ),
            is_wrong_still=lambda: bool(judge([webhook_event])),
        )

    def _waiting(self, context: ComparisonContext, subjects: set[str]) -> Iterator[Finding]:
        """Yield sessions that wait for a delayed payment which has already ended.

        Sessions that a lost or young event is about are skipped: that event is handled separately.
        """
        with self.unit_of_work.transaction() as transaction:
            waiting = transaction.upload_sessions.pending(context.settled_before)
        for checkout_session_id in waiting:
            context.watch(1)
            if checkout_session_id in subjects:
                continue
            with context.isolated(self.side, "checkout", checkout_session_id):
                yield from self._ended_payment(context, checkout_session_id)

    def _ended_payment(self, context: ComparisonContext, checkout_session_id: str) -> Iterator[Finding]:
        state = self.payments.find_checkout(checkout_session_id)
        status = state.status if state is not None else "unknown"
        if status is CheckoutStatus.PENDING:
            return
        finding = Finding(
            side=Side.PAYMENTS,
            what=FindingCode.SESSION_WAITS_IN_VAIN,
            subject=checkout_session_id,
            order_id=state.checkout.order_id if state is not None else None,
            facts={"status": status},
        )
        yield context.repair(
            finding,
            lambda: self.checkout_sync.sync_checkout(checkout_session_id),
            is_wrong_still=lambda: self._is_waiting(context, checkout_session_id),
        )

    def _is_waiting(self, context: ComparisonContext, checkout_session_id: str) -> bool:
        with self.unit_of_work.transaction() as transaction:
            return checkout_session_id in transaction.upload_sessions.pending(context.settled_before)


def _webhook_event(listed: ListedCheckout) -> PaymentWebhookEvent:
    """Build the webhook event that corresponds to a checkout's current status."""
    checkout, status = listed.state.checkout, listed.state.status
    return PaymentWebhookEvent(
        event_id=f"{checkout.checkout_session_id}:{status}",
        event_type=f"{LISTED_CHECKOUT} {status}",
        kind=_KINDS[status],
        checkout=checkout,
        created_at=listed.created_at,
    )
