"""Putting a shop right whose database was restored from a backup."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from domain.order.values import OrderId, OrderNumber
from domain.ports.clock import Clock
from domain.ports.payments import CheckoutDetails, CheckoutStatus
from domain.ports.provider_listings import PaymentListing
from domain.ports.unit_of_work import (
    HasEventStore,
    HasLogRecovery,
    HasReconciliationQueries,
    HasUnmatchedPayments,
    UnitOfWork,
)
from domain.unmatched_payment import UnmatchedPayment
from domain.use_cases.payments.payment_ownership import PaymentOwnership
from domain.use_cases.reconciliation.comparison import paged
from domain.use_cases.reconciliation.findings import Finding, FindingCode, Report
from domain.use_cases.reconciliation.run import FARTHEST_LOOK, OVERLAP, Reconciliation
from domain.use_cases.recovery.log_heads import COUNTED_DAYS, LogHead, LogHeads
from domain.use_cases.recovery.order_rebuilding import OrderRebuilding
from domain.use_cases.recovery.session_rebuilding import SessionRebuilding


class RestoredDatabaseRepositories(
    HasEventStore, HasLogRecovery, HasReconciliationQueries, HasUnmatchedPayments, Protocol
):
    """What tells what a restored database has lost."""


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """What was done about a restored database, and what remains for people."""

    since: datetime  # the providers' lists were read from then on
    head: LogHead
    numbers_skipped_to: dict[str, int]  # by day
    rebuilt: tuple[OrderId, ...]
    advanced: tuple[OrderId, ...]  # orders of which the storage or the mail provider knew more than the log
    held: tuple[UnmatchedPayment, ...]  # payments of this shop that have no order
    unknown_referrals: tuple[
        OrderId, ...
    ]  # rebuilt orders of which nobody knows whether a friend's code was used
    numbers: Mapping[OrderId, OrderNumber]  # of the orders that are named here
    report: Report  # of the comparison that followed

    @property
    def unplaced(self) -> tuple[Finding, ...]:
        """Results and archives in no event: they may have been delivered since the backup."""
        return tuple(each for each in self.report.remaining if _is_unplaced(each))

    @property
    def remaining(self) -> tuple[Finding, ...]:
        """What else the comparison leaves to people; that work is overdue is natural, for the workers wait."""
        return tuple(
            each
            for each in self.report.remaining
            if each.what is not FindingCode.WORK_OVERDUE and not _is_unplaced(each)
        )


class RestoredDatabase:
    """Brings a database up to what the providers and the storage know; refunds and deletes nothing."""

    def __init__(
        self,
        *,
        unit_of_work: UnitOfWork[RestoredDatabaseRepositories],
        heads: LogHeads,
        ledger: PaymentListing,
        ownership: PaymentOwnership,
        sessions: SessionRebuilding,
        rebuilding: OrderRebuilding,
        reconciliation: Reconciliation,
        clock: Clock,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._heads = heads
        self._ledger = ledger
        self._ownership = ownership
        self._sessions = sessions
        self._rebuilding = rebuilding
        self._reconciliation = reconciliation
        self._clock = clock

    def put_right(self) -> Recovery | None:
        """Do all that can be done without a person; none if the database is as new as the newest head.

        It can be repeated after it was cut off: the new head, after which the shop takes payments, comes last.
        """
        head = self._heads.newest()
        if head is None or not self._heads.is_behind():
            return None
        since = self._since()
        lost = list(self._lost_payments(since))
        skipped = self._skip_numbers(head, len(lost))
        rebuilt: list[OrderId] = []
        unknown_referrals: list[OrderId] = []
        for checkout in lost:
            is_unknown = self._sessions.may_have_had_a_referral(checkout)
            if (order_id := self._sessions.place_order(checkout)) is not None:
                rebuilt.append(order_id)
                unknown_referrals += [order_id] if is_unknown else []
        advanced = self._advance(since, f"restored:{head.sequence}")
        report = self._reconciliation.compare(since, heals=True, reads_bytes=False)
        with self._unit_of_work.transaction() as transaction:
            held = tuple(each for each in transaction.unmatched_payments.unsettled() if each.is_held)
        self._heads.replace()
        return Recovery(
            since=since,
            head=head,
            numbers_skipped_to=skipped,
            rebuilt=tuple(rebuilt),
            advanced=advanced,
            held=held,
            unknown_referrals=tuple(unknown_referrals),
            numbers=self._numbers([*rebuilt, *advanced, *(each.order_id for each in report.remaining)]),
            report=report,
        )

    def _since(self) -> datetime:
        """From when on something may be missing: a while before the newest event that is left."""
        now = self._clock.now()
        with self._unit_of_work.transaction() as transaction:
            newest = transaction.log_recovery.newest_event()
        farthest = now - FARTHEST_LOOK
        return max(newest.recorded_at - OVERLAP, farthest) if newest is not None else farthest

    def _lost_payments(self, since: datetime) -> Iterator[CheckoutDetails]:
        """Payments of this shop that neither an order nor an unmatched payment tells of."""
        for page in paged(self._ledger.checkouts(since)):
            paid = [each.state.checkout for each in page if each.state.status is CheckoutStatus.PAID]
            with self._unit_of_work.transaction() as transaction:
                recorded = transaction.reconciliation_queries.payments(
                    [each.checkout_session_id for each in paid]
                )
                foreign = self._ownership.foreign_among(transaction, paid)
            yield from (
                each
                for each in paid
                if each.checkout_session_id not in recorded and each.checkout_session_id not in foreign
            )

    def _skip_numbers(self, head: LogHead, lost: int) -> dict[str, int]:
        """Leave out every number that may have been given: those the head tells, and one for each payment since."""
        today = self._clock.now().date()
        since = today - timedelta(days=COUNTED_DAYS - 1)
        skipped = {}
        with self._unit_of_work.transaction() as transaction:
            counters = dict(transaction.log_recovery.order_counters(since))
            for day in sorted({today, *counters, *head.order_counters}):
                up_to = max(head.order_counters.get(day, 0), counters.get(day, 0)) + lost
                if up_to > counters.get(day, 0):
                    transaction.log_recovery.skip_order_numbers(day, up_to)
                    skipped[day.isoformat()] = up_to
        return skipped

    def _advance(self, since: datetime, incident: str) -> tuple[OrderId, ...]:
        with self._unit_of_work.transaction() as transaction:
            order_ids = transaction.reconciliation_queries.orders_since(since)
        return tuple(each for each in order_ids if self._rebuilding.advance(each, incident))

    def _numbers(self, order_ids: Iterable[OrderId | None]) -> dict[OrderId, OrderNumber]:
        numbers = {}
        with self._unit_of_work.transaction() as transaction:
            for order_id in {each for each in order_ids if each is not None}:
                payment = transaction.event_store.load(order_id).payment
                if payment is not None:
                    numbers[order_id] = payment.order_number
        return numbers


def _is_unplaced(finding: Finding) -> bool:
    return finding.what is FindingCode.STRAY_OBJECT and finding.order_id is not None
