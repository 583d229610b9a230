"""The comparison of the log with itself.

Streams must fold, read models must equal the folded state, and a worker must be able to run each required reaction.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from domain.order import events as e
from domain.order.order import Order
from domain.order.reactions import pending_reactions_by_id, reaction_id_of, required_reactions
from domain.order.stream_integrity import StreamBreak, followed
from domain.order.values import OrderId
from domain.ports.reaction_queue import ReactionQueue, ScheduledReaction
from domain.ports.reconciliation_queries import ReactionSummary
from domain.ports.unit_of_work import (
    HasEventStore,
    HasReactions,
    HasReconciliationQueries,
    HasWebhookInbox,
    UnitOfWork,
)
from domain.use_cases.reconciliation.comparison import ComparisonContext, paged
from domain.use_cases.reconciliation.findings import Finding, FindingCase, FindingCode, Side, stream_broken


class EventLogRepositories(HasEventStore, HasReactions, HasReconciliationQueries, HasWebhookInbox, Protocol):
    """The repositories that the comparison of the log reads and repairs."""


#: Findings about reactions that are repaired if repairs are requested.
_REPAIRABLE = frozenset({FindingCode.WORK_LOST, FindingCode.WORK_UNREADABLE})

#: A reaction that has been due for this long without a lease is not being processed by any worker.
OVERDUE = timedelta(hours=1)


@dataclass(eq=False, kw_only=True)
class EventLogComparison:
    """Compares orders with their read models and reactions.

    Compared are orders active since a moment, orders that are not closed or are on hold, and orders with unreadable
    events or reactions. A page of them is read in a few queries while workers continue. So each order with a finding
    is examined again by itself, under its lock.
    """

    side = Side.LOG

    unit_of_work: UnitOfWork[EventLogRepositories]
    queue: ReactionQueue

    def compare(self, context: ComparisonContext) -> Iterator[Finding]:
        """Yield inconsistencies of the log, and work awaiting staff or workers."""
        with self.unit_of_work.transaction() as transaction:
            unreadable = {work.order_id for work in transaction.reactions.unreadable()}
            broken = {event.order_id for event in transaction.reconciliation_queries.all_unreadable_events()}
            since = transaction.reconciliation_queries.orders_since(context.since)
        order_ids = sorted({*since, *unreadable, *broken})
        for page in paged(order_ids):
            context.watch(len(page))
            with self.unit_of_work.transaction() as transaction:
                suspects = {finding.order_id for finding in _findings(transaction, page, context)}
            for order_id in page:
                if order_id in suspects:
                    yield from self._look_again(order_id, context)
        yield from self._conflicts(context)

    def _conflicts(self, context: ComparisonContext) -> Iterator[Finding]:
        """Yield webhook events that repeat an id with other contents.

        The inbox quarantined them.
        """
        with self.unit_of_work.transaction() as transaction:
            conflicts = transaction.webhook_inbox.conflicts()
        for conflict in conflicts:
            if conflict.received_at >= context.since:
                yield Finding(
                    side=Side.LOG,
                    what=FindingCode.MESSAGE_IN_TWO_SHAPES,
                    subject=conflict.event_id,
                    since=conflict.received_at,
                    facts={"event_type": conflict.event_type, "source": conflict.source},
                )

    def _look_again(self, order_id: OrderId, context: ComparisonContext) -> list[Finding]:
        scheduled: list[ScheduledReaction] = []
        with self.unit_of_work.transaction() as transaction:
            transaction.event_store.lock(order_id)
            findings = list(_findings(transaction, [order_id], context))
            wrong = {
                what: {UUID(each.subject) for each in findings if each.what == what} for what in _REPAIRABLE
            }
            if context.repairs and any(wrong.values()):
                work = _pending_reactions(transaction, order_id, context)
                lost = [each for each in work if each.reaction_id in wrong[FindingCode.WORK_LOST]]
                unreadable = [each for each in work if each.reaction_id in wrong[FindingCode.WORK_UNREADABLE]]
                transaction.reactions.schedule(lost)
                transaction.reactions.rewrite(unreadable)
                scheduled = [*lost, *unreadable]
                still = {each.subject for each in _findings(transaction, [order_id], context)}
                findings = [
                    replace(each, is_repaired=each.what in _REPAIRABLE and each.subject not in still)
                    for each in findings
                ]
        self.queue.send([(work.reaction_id, work.reaction) for work in scheduled])
        return findings


def _pending_reactions(
    transaction: EventLogRepositories, order_id: OrderId, context: ComparisonContext
) -> list[ScheduledReaction]:
    order = transaction.event_store.load(order_id)
    return [
        ScheduledReaction(
            reaction_id=reaction_id,
            order_id=order_id,
            reaction=reaction,
            due_at=context.now,
            sent_at=context.now,
        )
        for reaction_id, reaction in pending_reactions_by_id(order).items()
    ]


def _findings(
    transaction: EventLogRepositories, page: Sequence[OrderId], context: ComparisonContext
) -> Iterator[Finding]:
    streams = transaction.reconciliation_queries.streams(page)
    left_out = [order_id for order_id in page if order_id not in streams]
    for event in transaction.reconciliation_queries.unreadable_events(left_out) if left_out else ():
        yield stream_broken(event)
    orders: list[Order] = []
    for order_id, stream in streams.items():
        order_or_break = followed(order_id, stream)
        if isinstance(order_or_break, StreamBreak):
            yield stream_broken(order_or_break)
        else:
            orders.append(order_or_break)
    differing = transaction.reconciliation_queries.differing_read_models(orders)
    work = transaction.reconciliation_queries.work([order.order_id for order in orders])
    for order in orders:
        stream, lines = streams[order.order_id], work.get(order.order_id, [])
        yield from _about_read_models(order, stream, differing.get(order.order_id, []))
        yield from _about_work(order, stream, {line.reaction_id: line for line in lines}, context)
        yield from _about_a_hold(order, stream)


def _about_read_models(
    order: Order, stream: Sequence[e.RecordedEvent], tables: Sequence[str]
) -> Iterator[Finding]:
    if tables:
        yield Finding(
            side=Side.LOG,
            what=FindingCode.READ_MODELS_DIFFER,
            subject=str(order.order_id),
            order_id=order.order_id,
            since=stream[-1].recorded_at,
            facts={"tables": ", ".join(tables)},
        )


def _about_work(
    order: Order,
    stream: Sequence[e.RecordedEvent],
    lines: Mapping[UUID, ReactionSummary],
    context: ComparisonContext,
) -> Iterator[Finding]:
    for reaction in required_reactions(order):
        reaction_id = reaction_id_of(order.order_id, reaction)
        line = lines.get(reaction_id)
        if line is None or not line.is_open:
            yield Finding(
                side=Side.LOG,
                what=FindingCode.WORK_LOST,
                subject=str(reaction_id),
                order_id=order.order_id,
                since=stream[-1].recorded_at,
                facts={"reaction": type(reaction).__name__},
            )
    pending = pending_reactions_by_id(order)
    for line in lines.values():
        if not line.is_open or line.free_since is None:
            continue
        if not line.is_readable and line.free_since <= context.now:
            yield _unreadable(order, line, line.free_since, is_pending=line.reaction_id in pending)
        elif line.free_since < context.now - OVERDUE:
            yield Finding(
                side=Side.LOG,
                what=FindingCode.WORK_OVERDUE,
                subject=str(line.reaction_id),
                order_id=order.order_id,
                since=line.free_since,
                facts={"kind": line.kind},
            )


def _unreadable(order: Order, line: ReactionSummary, since: datetime, *, is_pending: bool) -> Finding:
    return Finding(
        side=Side.LOG,
        what=FindingCode.WORK_UNREADABLE,
        subject=str(line.reaction_id),
        order_id=order.order_id,
        since=since,
        case=FindingCase.REWRITABLE if is_pending else FindingCase.NOT_REQUIRED,
        facts={"kind": line.kind, "version": line.arguments_version},
    )


def _about_a_hold(order: Order, stream: Sequence[e.RecordedEvent]) -> Iterator[Finding]:
    if order.hold is None:
        return
    since = next(each.recorded_at for each in reversed(stream) if isinstance(each.event, e.OrderHeld))
    yield Finding(
        side=Side.LOG,
        what=FindingCode.ORDER_HELD,
        subject=str(order.order_id),
        order_id=order.order_id,
        since=since,
        facts={"hold": order.hold},
    )
