"""Stripe against the log: what Stripe has on its books, and the log does not."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

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
from domain.use_cases.payments.payment_events import SOURCE
from domain.use_cases.payments.payment_ownership import PaymentOwnership
from domain.use_cases.payments.payment_webhook import PaymentWebhook
from domain.use_cases.reconciliation.comparison import Scope, paged
from domain.use_cases.reconciliation.findings import Finding, FindingCode, Foreign, Side, stream_broken
from domain.use_cases.reconciliation.foreign_payments import ForeignPayments
from domain.use_cases.reconciliation.payments_missing_at_provider import MissingAtProvider, Seen
from domain.use_cases.reconciliation.recorded_payments import Missing, RecordedPayments, subject_of


class PaymentComparisonRepositories(
    HasReconciliationQueries, HasUnmatchedPayments, HasUploadSessions, Protocol
):
    """What payments are compared with."""


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
    """What Stripe's lists told, before its events are asked whether word of it is lost or still on its way."""

    seen: Seen = field(default_factory=Seen)
    missing: list[tuple[Judge, Missing]] = field(default_factory=list)
    foreign: ForeignPayments


@dataclass(kw_only=True)
class _Events:
    """What Stripe's list of events told of this shop's money; it is read newest first."""

    lost: list[PaymentWebhookEvent] = field(default_factory=list)  # the inbox never took them
    told: set[str] = field(default_factory=set)  # what events are about that are lost or young
    newest: PaymentWebhookEvent | None = None
    has_refund_event: bool | None = None  # whether the newest settled event of a refund was delivered

    def version_finding(self, endpoint: EndpointVersion | None) -> Finding | None:
        """One finding if refunds of cards may have no webhook events now.

        The version of the endpoint decides. Without one, the events do, which Stripe lists in the account's version:
        an endpoint with a newer one of its own shows by the refunds' events that were received.
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
            side=Side.STRIPE,
            what=FindingCode.WEBHOOK_VERSION_OLD,
            subject=version,
            since=self.newest.created_at if self.newest is not None else None,
            wrong=f"Stripe's events are of API version {version}, which has no refund.* events for cards.",
            advice=(
                "Raise the webhook endpoint's API version in Stripe's dashboard to 2024-10-28.acacia or later; "
                "an endpoint without one of its own has the account's."
            ),
        )


class PaymentComparison:
    """Checkouts, refunds, disputes and the events that told of them.

    The objects are listed before the events: so of whatever happened in between, the event is seen to be young.
    """

    side = Side.STRIPE

    def __init__(
        self,
        *,
        unit_of_work: UnitOfWork[PaymentComparisonRepositories],
        ledger: PaymentListing,
        payments: PaymentProvider,
        payment_webhook: PaymentWebhook,
        checkout_sync: CheckoutSync,
        ownership: PaymentOwnership,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._ledger = ledger
        self._payments = payments
        self._payment_webhook = payment_webhook
        self._checkout_sync = checkout_sync
        self._ownership = ownership
        self._record = RecordedPayments(unit_of_work=unit_of_work)
        self._claims = MissingAtProvider(unit_of_work=unit_of_work, payments=payments)

    def compare(self, scope: Scope) -> Iterator[Finding]:
        """What Stripe knows and the log does not, then what the log claims and Stripe does not know."""
        lists = self._lists(scope)
        events = self._events(scope, lists.foreign)
        told = events.told
        version = events.version_finding(self._ledger.endpoint_version(scope.unreadable(self.side)))
        if version is not None:
            yield version
        events.lost.reverse()  # the oldest first
        yield from self._all_taken_in(scope, events.lost)
        for judge, (webhook_event, finding) in lists.missing:
            if subject_of(webhook_event) not in told:
                told.add(subject_of(webhook_event))
                yield self._healed(scope, webhook_event, finding, judge)
        yield from self._waiting(scope, told)
        yield from self._claims.unknown_to_stripe(scope, lists.seen)

    def _lists(self, scope: Scope) -> _Lists:
        lists = _Lists(
            foreign=ForeignPayments(
                unit_of_work=self._unit_of_work,
                payments=self._payments,
                ownership=self._ownership,
                isolated=lambda intent: scope.isolated(self.side, "checkout of payment", intent),
            )
        )
        unreadable = scope.unreadable(self.side)
        for checkouts in paged(
            _webhook_event(listed) for listed in self._ledger.checkouts(scope.since, unreadable)
        ):
            # One that is open, or was never paid, is no payment, whatever the log claims.
            paid = (
                webhook_event for webhook_event in checkouts if webhook_event.kind is PaymentEventKind.PAID
            )
            lists.seen.checkouts.update(subject_of(webhook_event) for webhook_event in paid)
            self._judge(scope, lists, "payment", checkouts, self._record.payments)
        for refunds in paged(self._ledger.refunds(scope.since, unreadable)):
            lists.seen.refunds.update(subject_of(webhook_event) for webhook_event in refunds)
            self._judge(scope, lists, "refund", refunds, self._record.refunds)
        for disputes in paged(self._ledger.disputes(scope.since, unreadable)):
            self._judge(scope, lists, "dispute", disputes, self._record.disputes)
        return lists

    def _judge(
        self, scope: Scope, lists: _Lists, kind: str, page: Sequence[PaymentWebhookEvent], judge: Judge
    ) -> None:
        scope.watch(len(page))
        foreign = lists.foreign.among(page)
        for webhook_event in foreign:
            # A checkout on which nobody paid is of no interest.
            if webhook_event.checkout is None or webhook_event.kind is PaymentEventKind.PAID:
                scope.leave(
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
            scope.tell(stream_broken(unreadable))

    def _events(self, scope: Scope, foreign: ForeignPayments) -> _Events:
        events = _Events()
        for page in paged(self._ledger.events(scope.since, scope.unreadable(self.side))):
            scope.watch(len(page))
            with self._unit_of_work.transaction() as transaction:
                unknown = transaction.reconciliation_queries.unknown_messages(
                    SOURCE, [each.event_id for each in page]
                )
            others = {
                event.event_id for event in foreign.among([each for each in page if each.event_id in unknown])
            }
            for event in page:
                if event.event_id in others:
                    continue
                created_at = event.created_at
                is_young = created_at is None or created_at > scope.settled_before
                is_unknown = event.event_id in unknown
                if is_young or is_unknown:
                    events.told.add(subject_of(event))
                if is_unknown and not is_young:
                    events.lost.append(event)
                events.newest = events.newest or event
                is_settled_refund = event.refund is not None and not (is_unknown and is_young)
                if is_settled_refund and events.has_refund_event is None:
                    events.has_refund_event = not is_unknown
        return events

    def _all_taken_in(self, scope: Scope, lost: Sequence[PaymentWebhookEvent]) -> Iterator[Finding]:
        """The oldest first; what word of another has to come before is tried once more when all others are known."""
        waiting: list[PaymentWebhookEvent] = []
        for event in lost:
            finding = self._taken_in(scope, event)
            if scope.repairs and not finding.is_healed:
                waiting.append(event)
            else:
                yield finding
        for event in waiting:
            yield self._taken_in(scope, event)

    def _taken_in(self, scope: Scope, webhook_event: PaymentWebhookEvent) -> Finding:
        finding = Finding(
            side=Side.STRIPE,
            what=FindingCode.NOTICE_LOST,
            subject=webhook_event.event_id,
            order_id=webhook_event.checkout.order_id if webhook_event.checkout else None,
            since=webhook_event.created_at,
            wrong=f"Word of {webhook_event.event_type} about {subject_of(webhook_event)} never came in.",
            advice="`--fix` takes it in; if there are many, see the webhook endpoint's deliveries in Stripe.",
        )
        return scope.repair(finding, lambda: self._payment_webhook.handle(webhook_event, UNSEEN))

    def _healed(
        self, scope: Scope, webhook_event: PaymentWebhookEvent, finding: Finding, judge: Judge
    ) -> Finding:
        checkout = webhook_event.checkout
        return scope.repair(
            finding,
            lambda: (
                self._checkout_sync.sync_checkout(checkout.checkout_session_id)
                if checkout is not None
                else self._payment_webhook.handle(webhook_event, UNSEEN)
            ),
            is_wrong_still=lambda: bool(judge([webhook_event])),
        )

    def _waiting(self, scope: Scope, told: set[str]) -> Iterator[Finding]:
        """Sessions that wait for a delayed payment which has ended, and no event tells of that any more."""
        with self._unit_of_work.transaction() as transaction:
            waiting = transaction.upload_sessions.pending(scope.settled_before)
        for checkout_session_id in waiting:
            scope.watch(1)
            if checkout_session_id in told:
                continue
            with scope.isolated(self.side, "checkout", checkout_session_id):
                yield from self._waits_in_vain(scope, checkout_session_id)

    def _waits_in_vain(self, scope: Scope, checkout_session_id: str) -> Iterator[Finding]:
        state = self._payments.find_checkout(checkout_session_id)
        standing = state.status if state is not None else "unknown"
        if standing is CheckoutStatus.PENDING:
            return
        finding = Finding(
            side=Side.STRIPE,
            what=FindingCode.SESSION_WAITS_IN_VAIN,
            subject=checkout_session_id,
            order_id=state.checkout.order_id if state is not None else None,
            wrong=f"An upload session waits for a delayed payment that is {standing} at Stripe.",
            advice="`--fix` takes that in; a checkout that is unknown there belongs to another account.",
        )
        yield scope.repair(
            finding,
            lambda: self._checkout_sync.sync_checkout(checkout_session_id),
            is_wrong_still=lambda: self._is_waiting(scope, checkout_session_id),
        )

    def _is_waiting(self, scope: Scope, checkout_session_id: str) -> bool:
        with self._unit_of_work.transaction() as transaction:
            return checkout_session_id in transaction.upload_sessions.pending(scope.settled_before)


def _webhook_event(listed: ListedCheckout) -> PaymentWebhookEvent:
    """What a notice would say about a checkout as it stands."""
    checkout, standing = listed.state.checkout, listed.state.status
    return PaymentWebhookEvent(
        event_id=f"{checkout.checkout_session_id}:{standing}",
        event_type=f"a checkout that is {standing}",
        kind=_KINDS[standing],
        checkout=checkout,
        created_at=listed.created_at,
    )
