"""The list of orders, payments and messages that need attention from staff.

It contains holds, failed refunds, undelivered e-mails, disputes, exhausted and unreadable reactions, broken streams,
unmatched payments and conflicting webhook events.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.order import events as e
from domain.order.ledger import RefundStatus
from domain.order.order import EmailStatus, Order
from domain.order.reactions import CancelPrediction, pending_reactions_by_id
from domain.order.states import State
from domain.order.stream_integrity import StreamBreak, followed
from domain.order.values import EmailId, HoldReason, OrderId, OrderNumber
from domain.ports.event_store import UnreadableEvent
from domain.ports.reaction_queue import ExhaustedReaction, UnreadableWork
from domain.ports.unit_of_work import (
    HasOrderQueries,
    HasReactions,
    HasReconciliationQueries,
    HasUnmatchedPayments,
    HasWebhookInbox,
    UnitOfWork,
)


class AttentionRepositories(
    HasOrderQueries, HasReactions, HasReconciliationQueries, HasUnmatchedPayments, HasWebhookInbox, Protocol
):
    """The repositories that the attention list reads."""


#: How many orders' streams are read in one query.
PAGE_ORDERS = 200


class AttentionKind(StrEnum):
    """The reason why staff have to look."""

    ON_HOLD = "on_hold"
    REFUND_FAILED = "refund_failed"
    MAIL_FAILED = "mail_failed"
    MAIL_BOUNCED = "mail_bounced"
    MAIL_OPTED_OUT = "mail_opted_out"
    OVERPAID = "overpaid"
    DISPUTED = "disputed"
    INQUIRY = "inquiry"
    WORK_GIVEN_UP = "work_given_up"
    WORK_UNREADABLE = "work_unreadable"
    STREAM_BROKEN = "stream_broken"
    PAYMENT_UNMATCHED = "payment_unmatched"
    WEBHOOK_CONFLICT = "webhook_conflict"


@dataclass(frozen=True, kw_only=True)
class AttentionItem:
    """An item that waits for staff.

    ``subject`` is the id of what it is about, at the provider or ours.
    """

    kind: AttentionKind
    since: datetime
    subject: str
    facts: Mapping[str, object]
    order_id: OrderId | None = None
    number: OrderNumber | None = None
    hold: HoldReason | None = None
    work: UnreadableWork | None = None
    is_repairable: bool = False  # a reconciliation that repairs takes care of it


class AttentionList:
    """Finds what needs attention, with few queries per PAGE_ORDERS orders."""

    def __init__(self, *, unit_of_work: UnitOfWork[AttentionRepositories]) -> None:
        self._unit_of_work = unit_of_work

    def items(self) -> list[AttentionItem]:
        """Return all items, the longest waiting first."""
        with self._unit_of_work.transaction() as transaction:
            given_up = transaction.reactions.exhausted()
            unreadable = transaction.reactions.unreadable()
            with_work = {*(work.order_id for work in given_up), *(work.order_id for work in unreadable)}
            order_ids = sorted({*transaction.order_queries.in_trouble(), *with_work})
            unmatched = transaction.unmatched_payments.unsettled()
            conflicts = transaction.webhook_inbox.conflicts()
            broken = {
                event.order_id: event for event in transaction.reconciliation_queries.all_unreadable_events()
            }
        attention_items = [
            AttentionItem(
                kind=AttentionKind.PAYMENT_UNMATCHED,
                since=payment.received_at,
                subject=payment.checkout_session_id,
                facts={"amount": payment.left, "reason": payment.reason},
            )
            for payment in unmatched
        ]
        attention_items += [
            AttentionItem(
                kind=AttentionKind.WEBHOOK_CONFLICT,
                since=conflict.received_at,
                subject=conflict.event_id,
                facts={"source": conflict.source, "event_type": conflict.event_type},
            )
            for conflict in conflicts
        ]
        readable = [order_id for order_id in order_ids if order_id not in broken]
        attention_items += map(_of_unreadable_event, broken.values())
        attention_items += self._of_orders(readable, given_up, unreadable)
        return sorted(
            attention_items, key=lambda attention_item: (attention_item.since, attention_item.subject)
        )

    def _of_orders(
        self,
        order_ids: Sequence[OrderId],
        given_up: Sequence[ExhaustedReaction],
        unreadable: Sequence[UnreadableWork],
    ) -> Iterator[AttentionItem]:
        for start in range(0, len(order_ids), PAGE_ORDERS):
            page = order_ids[start : start + PAGE_ORDERS]
            with self._unit_of_work.transaction() as transaction:
                streams = transaction.reconciliation_queries.streams(page)
                left_out = [order_id for order_id in page if order_id not in streams]
                broken = transaction.reconciliation_queries.unreadable_events(left_out) if left_out else []
            yield from map(_of_unreadable_event, broken)
            for order_id, stream in streams.items():
                order = followed(order_id, stream)
                if isinstance(order, StreamBreak):
                    yield _of_broken_stream(order, stream)
                    continue
                mine = [work for work in given_up if work.order_id == order_id]
                looker = _Looker(order, stream)
                yield from looker.attention_items(mine)
                yield from looker.unreadable([work for work in unreadable if work.order_id == order_id])


def _of_unreadable_event(event: UnreadableEvent) -> AttentionItem:
    return AttentionItem(
        kind=AttentionKind.STREAM_BROKEN,
        since=event.recorded_at,
        subject=str(event.event_id),
        facts={"problem": event},
        order_id=event.order_id,
        number=event.number,
    )


def _of_broken_stream(broken: StreamBreak, stream: Sequence[e.RecordedEvent]) -> AttentionItem:
    numbers = (each.event.order_number for each in stream if isinstance(each.event, e.PaymentReceived))
    return AttentionItem(
        kind=AttentionKind.STREAM_BROKEN,
        since=broken.recorded.recorded_at,
        subject=str(broken.recorded.event_id),
        facts={"problem": broken},
        order_id=broken.recorded.order_id,
        number=next(numbers, None),
    )


@dataclass(eq=False)
class _Looker:
    """Finds what needs attention in one order and its stream."""

    order: Order
    stream: Sequence[e.RecordedEvent]

    def attention_items(self, given_up: Iterable[ExhaustedReaction]) -> Iterator[AttentionItem]:
        yield from self._hold()
        yield from self._refunds()
        yield from self._disputes()
        if self.order.state is State.ERASED:
            return  # no customer is left to write to, and nothing to restore
        yield from self._mails()
        yield from self._opt_outs()
        for work in given_up:
            if not self._was_seen_to(work.since):
                yield self._concern(
                    AttentionKind.WORK_GIVEN_UP,
                    work.since,
                    str(self.order.order_id),
                    is_about_a_prediction=work.kind is CancelPrediction,
                )

    def unreadable(self, rows: Iterable[UnreadableWork]) -> Iterator[AttentionItem]:
        """Yield reactions whose rows this version of the shop cannot read."""
        pending = pending_reactions_by_id(self.order)
        for work in rows:
            item = self._concern(AttentionKind.WORK_UNREADABLE, work.since, str(work.reaction_id))
            yield replace(item, work=work, is_repairable=work.reaction_id in pending)

    def _hold(self) -> Iterator[AttentionItem]:
        has_failed_refund = any(
            refund.status is RefundStatus.FAILED for refund in self.order.refunds.values()
        )
        is_about_a_refund = self.order.hold is HoldReason.REFUND_NOT_ISSUED and has_failed_refund
        # The failed refund is listed by itself and says more: one cause is reported once.
        if self.order.hold is not None and not is_about_a_refund:
            since = self._last(e.OrderHeld)
            item = self._concern(AttentionKind.ON_HOLD, since, str(self.order.order_id))
            yield replace(item, hold=self.order.hold)

    def _refunds(self) -> Iterator[AttentionItem]:
        failures = {
            event.refund_id: (recorded.recorded_at, event.reason)
            for recorded in self.stream
            if isinstance(event := recorded.event, e.RefundFailed)
        }
        for number, refund in enumerate(self.order.refunds.values(), start=1):
            if refund.status is RefundStatus.FAILED:
                since, reason = failures[refund.refund_id]
                yield self._concern(
                    AttentionKind.REFUND_FAILED, since, str(number), amount=refund.amount, reason=reason
                )
        overpaid, payment = self.order.ledger.overpaid, self.order.payment
        is_hidden = self.order.is_held and self.order.hold is not HoldReason.OVERPAID
        if overpaid and payment is not None and is_hidden:
            since = self._last(e.RefundAccepted, e.RefundIssued)
            amount = replace(payment.paid, amount=overpaid)
            yield self._concern(AttentionKind.OVERPAID, since, str(self.order.order_id), amount=amount)

    def _disputes(self) -> Iterator[AttentionItem]:
        for recorded in self.stream:
            match recorded.event:
                case e.DisputeOpened(dispute_id=name, amount=amount, reason=reason, is_inquiry=is_inquiry):
                    known = self.order.disputes[name]
                    if known.outcome is None and known.is_inquiry is is_inquiry:
                        kind = AttentionKind.INQUIRY if is_inquiry else AttentionKind.DISPUTED
                        yield self._concern(kind, recorded.recorded_at, name, amount=amount, reason=reason)
                case _:
                    pass

    def _mails(self) -> Iterator[AttentionItem]:
        """Yield one item for failed and one for bounced e-mails.

        E-mails that a later event settled are left out. A hold because of an e-mail has the same cause and is listed
        instead.
        """
        if self.order.hold in {HoldReason.EMAIL_NOT_SENT, HoldReason.EMAIL_BOUNCED}:
            return
        troubles: dict[EmailId, e.RecordedEvent] = {
            each.event.email_id: each
            for each in self.stream
            if isinstance(each.event, e.EmailFailed | e.EmailBounced)
        }
        found: dict[AttentionKind, list[tuple[EmailId, datetime]]] = {}
        for email_id, recorded in troubles.items():
            email = self.order.emails[email_id]
            is_open = email.status in {EmailStatus.FAILED, EmailStatus.BOUNCED}
            if not is_open or self._was_seen_to(recorded.recorded_at, e.EmailSent, e.ResultDownloaded):
                continue
            kind = (
                AttentionKind.MAIL_BOUNCED
                if isinstance(recorded.event, e.EmailBounced)
                else AttentionKind.MAIL_FAILED
            )
            found.setdefault(kind, []).append((email_id, recorded.recorded_at))
        for kind, mails in found.items():
            kinds = [self.order.emails[email_id].kind for email_id, _ in mails]
            newest, since = mails[-1][0], min(at for _, at in mails)
            yield self._concern(kind, since, str(newest), emails=kinds)

    def _opt_outs(self) -> Iterator[AttentionItem]:
        """Yield e-mails reported as spam or unsubscribed from.

        The provider may drop the customer's next e-mails.
        """
        for recorded in self.stream:
            match recorded.event:
                case e.EmailOptedOut(email_id=email_id, kind=kind, how=how):
                    if not self._was_seen_to(recorded.recorded_at):
                        yield self._concern(
                            AttentionKind.MAIL_OPTED_OUT,
                            recorded.recorded_at,
                            str(email_id),
                            email=kind,
                            how=how,
                        )
                case _:
                    pass

    def _was_seen_to(self, since: datetime, *kinds: type[e.Event]) -> bool:
        """Whether an event of these kinds, or a note, was recorded later.

        A note shows that staff know of it.
        """
        return any(
            recorded.recorded_at > since and isinstance(recorded.event, (e.NoteAdded, *kinds))
            for recorded in self.stream
        )

    def _last(self, *kinds: type[e.Event]) -> datetime:
        return max(each.recorded_at for each in self.stream if isinstance(each.event, kinds))

    def _concern(self, kind: AttentionKind, since: datetime, subject: str, **facts: object) -> AttentionItem:
        payment = self.order.payment
        return AttentionItem(
            kind=kind,
            since=since,
            subject=subject,
            facts=facts,
            order_id=self.order.order_id,
            number=payment.order_number if payment else None,
        )
