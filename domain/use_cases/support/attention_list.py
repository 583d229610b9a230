"""The list of orders, payments and messages that need attention from staff.

It contains holds, failed refunds, undelivered e-mails, disputes, exhausted and unreadable reactions, broken streams,
unmatched payments and conflicting webhook events.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from domain.order import events as e
from domain.order.stream_integrity import StreamBreak, followed
from domain.order.values import OrderId
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
from domain.use_cases.support.attention_items import AttentionItem, AttentionKind
from domain.use_cases.support.order_attention import OrderAttention


class AttentionRepositories(
    HasOrderQueries, HasReactions, HasReconciliationQueries, HasUnmatchedPayments, HasWebhookInbox, Protocol
):
    """The repositories that the attention list reads."""


#: How many orders' streams are read in one query.
PAGE_ORDERS = 200


class AttentionList:
    """Finds what needs attention, with few queries per PAGE_ORDERS orders."""

    def __init__(self, *, unit_of_work: UnitOfWork[AttentionRepositories]) -> None:
        self._unit_of_work = unit_of_work

    def items(self, looking_since: datetime | None = None) -> list[AttentionItem]:
        """Return all items, the longest waiting first.

        Streams that cannot be read are looked for in the whole log; with a moment, only among open orders and those
        with an event since.
        """
        with self._unit_of_work.transaction() as transaction:
            given_up = transaction.reactions.exhausted()
            unreadable = transaction.reactions.unreadable()
            with_work = {*(work.order_id for work in given_up), *(work.order_id for work in unreadable)}
            order_ids = sorted({*transaction.order_queries.needing_attention(), *with_work})
            unmatched = transaction.unmatched_payments.unsettled()
            conflicts = transaction.webhook_inbox.conflicts()
            queries = transaction.reconciliation_queries
            found = (
                queries.all_unreadable_events()
                if looking_since is None
                else queries.unreadable_events(queries.orders_since(looking_since))
            )
            broken = {event.order_id: event for event in found}
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
                attention = OrderAttention(order, stream)
                yield from attention.items(mine)
                yield from attention.unreadable([work for work in unreadable if work.order_id == order_id])


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
