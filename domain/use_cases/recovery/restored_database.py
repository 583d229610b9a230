"""Recovery of a shop whose database was restored from a backup."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from domain.object_keys import ARCHIVES, RESTORED, owner_of
from domain.order.events import PaymentReceived
from domain.order.order import Order
from domain.order.stream_integrity import followed
from domain.order.values import ObjectKey, OrderId, OrderNumber
from domain.ports.clock import Clock
from domain.ports.errors import UnreadableEventError
from domain.ports.payments import CheckoutDetails, CheckoutStatus
from domain.ports.provider_listings import ObjectListing, PaymentListing, UnreadableEntry
from domain.ports.unit_of_work import (
    HasLogRecovery,
    HasReconciliationQueries,
    HasUnmatchedPayments,
    UnitOfWork,
)
from domain.unmatched_payment import UnmatchedPayment
from domain.use_cases.payments.payment_ownership import PaymentOwnership
from domain.use_cases.reconciliation.comparison import paged
from domain.use_cases.reconciliation.findings import Finding, FindingCode, Report
from domain.use_cases.reconciliation.object_inventory import inventory_of
from domain.use_cases.reconciliation.run import FARTHEST_LOOK, OVERLAP, Reconciliation
from domain.use_cases.recovery.log_heads import COUNTED_DAYS, LogHead, LogHeads
from domain.use_cases.recovery.mailed_links import MailedLinkRecovery, MailedLinks
from domain.use_cases.recovery.order_rebuilding import OrderRebuilding
from domain.use_cases.recovery.session_rebuilding import SessionRebuilding


class RestoredDatabaseRepositories(HasLogRecovery, HasReconciliationQueries, HasUnmatchedPayments, Protocol):
    """The repositories that show what a restored database has lost."""


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """The result of a recovery, and what remains for staff."""

    since: datetime  # start of the period read from the providers' lists
    head: LogHead
    was_behind: bool
    numbers_skipped_to: dict[str, int]  # by day
    rebuilt: tuple[OrderId, ...]
    advanced: tuple[OrderId, ...]  # orders that the storage or the mailer knew more about
    held: tuple[UnmatchedPayment, ...]  # payments of this shop without an order
    unknown_referrals: tuple[OrderId, ...]  # rebuilt orders that may have used a referral code
    numbers: Mapping[OrderId, OrderNumber]  # of the orders named here
    mailed_links: MailedLinks
    report: Report  # of the reconciliation that followed

    @property
    def unplaced(self) -> tuple[Finding, ...]:
        """Results and archives without an event; they may have been delivered since."""
        return tuple(each for each in self.report.remaining if _is_unplaced(each))

    @property
    def remaining(self) -> tuple[Finding, ...]:
        """The other findings for staff.

        Overdue reactions are left out: they are expected, because workers wait during a recovery.
        """
        return tuple(
            each
            for each in self.report.remaining
            if each.what is not FindingCode.WORK_OVERDUE and not _is_unplaced(each)
        )


@dataclass(eq=False, kw_only=True)
class RestoredDatabase:
    """Updates a restored database from the providers and the storage.

    It refunds and deletes nothing.
    """

    unit_of_work: UnitOfWork[RestoredDatabaseRepositories]
    heads: LogHeads
    ledger: PaymentListing
    objects: ObjectListing
    ownership: PaymentOwnership
    sessions: SessionRebuilding
    rebuilding: OrderRebuilding
    mailed_links: MailedLinkRecovery
    reconciliation: Reconciliation
    clock: Clock

    def recover(self, *, even_if_current: bool = False) -> Recovery | None:
        """Run the automatic recovery; None if the database is not behind.

        A head is as old as the last time it was written: a database that has its event may still lack what was
        recorded since. ``even_if_current`` recovers that, too; there must be a head. It can be repeated after an
        interruption: the new head, after which the shop accepts payments again, is written last.
        """
        head = self.heads.newest()
        if head is None:
            return None
        was_behind = self.heads.is_behind()
        if not was_behind and not even_if_current:
            return None
        since = self._since()
        unreadable: list[UnreadableEntry] = []  # the comparison lists them for staff
        lost = list(self._lost_payments(since, unreadable))
        skipped = self._skip_numbers(head, len(lost) + len(unreadable))
        rebuilt: list[OrderId] = []
        unknown_referrals: list[OrderId] = []
        for checkout in lost:
            is_unknown = self.sessions.may_have_had_a_referral(checkout)
            if (order_id := self.sessions.place_order(checkout)) is not None:
                rebuilt.append(order_id)
                unknown_referrals += [order_id] if is_unknown else []
        incident = f"restored:{head.sequence}"
        advanced = self._advance(since, incident)
        mailed_links = self.mailed_links.recover(since, incident, advanced)
        report = self.reconciliation.compare(since, repairs=True, reads_bytes=False)
        repaired = {
            each.order_id for each in report.findings if each.is_repaired and each.order_id is not None
        }
        for order_id in sorted(repaired):
            with suppress(UnreadableEventError):
                # The e-mail about a refund that is recorded only now may have been sent before.
                self.rebuilding.settle_emails(order_id, f"{incident}:repaired")
        mailed_links = self.mailed_links.without_known_emails(mailed_links)
        with self.unit_of_work.transaction() as transaction:
            held = tuple(each for each in transaction.unmatched_payments.unsettled() if each.is_held)
        self.heads.replace()
        return Recovery(
            since=since,
            head=head,
            was_behind=was_behind,
            numbers_skipped_to=skipped,
            rebuilt=tuple(rebuilt),
            advanced=advanced,
            held=held,
            unknown_referrals=tuple(unknown_referrals),
            numbers=self._numbers(
                [*rebuilt, *advanced, *mailed_links.order_ids, *(each.order_id for each in report.remaining)]
            ),
            mailed_links=mailed_links,
            report=report,
        )

    def _since(self) -> datetime:
        """Return the start of the period in which events may be missing.

        It precedes the newest remaining event by OVERLAP, within the providers' retention.
        """
        now = self.clock.now()
        with self.unit_of_work.transaction() as transaction:
            newest = transaction.log_recovery.newest_event()
        farthest = now - FARTHEST_LOOK
        return max(newest.recorded_at - OVERLAP, farthest) if newest is not None else farthest

    def _lost_payments(self, since: datetime, unreadable: list[UnreadableEntry]) -> Iterator[CheckoutDetails]:
        for page in paged(self.ledger.checkouts(since, unreadable.append)):
            paid = [each.state.checkout for each in page if each.state.status is CheckoutStatus.PAID]
            with self.unit_of_work.transaction() as transaction:
                recorded = transaction.reconciliation_queries.payments(
                    [each.checkout_session_id for each in paid]
                )
                foreign = self.ownership.foreign_among(transaction, paid)
            yield from (
                each
                for each in paid
                if each.checkout_session_id not in recorded and each.checkout_session_id not in foreign
            )

    def _skip_numbers(self, head: LogHead, lost: int) -> dict[str, int]:
        """Skip every order number that may have been assigned already.

        These are the numbers up to the head's counters, and one for each payment since.
        """
        today = self.clock.now().date()
        since = today - timedelta(days=COUNTED_DAYS - 1)
        skipped = {}
        with self.unit_of_work.transaction() as transaction:
            counters = dict(transaction.log_recovery.order_counters(since))
            for day in sorted({today, *counters, *head.order_counters}):
                up_to = max(head.order_counters.get(day, 0), counters.get(day, 0)) + lost
                if up_to > counters.get(day, 0):
                    transaction.log_recovery.skip_order_numbers(day, up_to)
                    skipped[day.isoformat()] = up_to
        return skipped

    def _advance(self, since: datetime, incident: str) -> tuple[OrderId, ...]:
        with self.unit_of_work.transaction() as transaction:
            order_ids = transaction.reconciliation_queries.orders_since(since)
        advanced = []
        for order_id in (*order_ids, *self._owners_of_strays(since, frozenset(order_ids))):
            with suppress(UnreadableEventError):  # the comparison lists it, and the others go on
                if self.rebuilding.advance(order_id, incident):
                    advanced.append(order_id)
        return tuple(advanced)

    def _owners_of_strays(self, since: datetime, known: Collection[OrderId]) -> list[OrderId]:
        """Return other delivered orders with objects that no event names.

        They may be long over in the database: their photos were restored once more since.
        """
        stored: dict[OrderId, set[ObjectKey]] = {}
        for prefix in (RESTORED, ARCHIVES):
            # The reconciliation that follows reports an object that cannot be read.
            for each in self.objects.objects_under(prefix, lambda _: None):
                owner = owner_of(each.key)
                if each.stored_at >= since and owner is not None and owner not in known:
                    stored.setdefault(OrderId(owner), set()).add(each.key)
        found = []
        for page in paged(sorted(stored)):
            with self.unit_of_work.transaction() as transaction:
                streams = transaction.reconciliation_queries.streams(page)
            for order_id, stream in streams.items():
                order = followed(order_id, stream)
                if not isinstance(order, Order) or not order.is_deliverable or order.photos_are_purged:
                    continue
                if not stored[order_id] <= inventory_of(order_id, stream).keys:
                    found.append(order_id)
        return found

    def _numbers(self, order_ids: Iterable[OrderId | None]) -> dict[OrderId, OrderNumber]:
        wanted = list({each for each in order_ids if each is not None})
        with self.unit_of_work.transaction() as transaction:
            streams = transaction.reconciliation_queries.streams(wanted)
            broken = transaction.reconciliation_queries.unreadable_events(wanted)
        numbers = {each.order_id: each.number for each in broken if each.number is not None}
        for order_id, stream in streams.items():
            if isinstance(paid := stream[0].event, PaymentReceived):
                numbers[order_id] = paid.order_number
        return numbers


def _is_unplaced(finding: Finding) -> bool:
    return finding.what is FindingCode.STRAY_OBJECT and finding.order_id is not None
