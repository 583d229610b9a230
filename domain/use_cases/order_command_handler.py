"""The order command handler: the only code that appends events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from domain.order import events as e
from domain.order.commands import Proposal
from domain.order.decide import decide
from domain.order.evolve import apply
from domain.order.order import Order
from domain.order.reactions import (
    CancelPrediction,
    Due,
    reaction_id_of,
    reactions_to,
    required_reactions,
)
from domain.order.values import OrderId
from domain.ports.clock import Clock
from domain.ports.event_store import Commit
from domain.ports.ids import Ids
from domain.ports.observer import Observer
from domain.ports.reaction_queue import Claim, Outcome, ReactionQueue, ScheduledReaction
from domain.ports.unit_of_work import CauseRepeatedError, HasOrders, UnitOfWork, VersionConflictError
from domain.use_cases.order_transaction import Cause, OrderTransaction, ReactionResult
from domain.use_cases.restoration.prediction_limits import PredictionLimiter, affects_free_slots
from domain.use_cases.shop_policy import ShopPolicy

#: How often a command is decided before its conflict is raised; more conflicts in a row point to a defect.
MAX_DECISIONS = 5

T = TypeVar("T")
Orders = TypeVar("Orders", bound=HasOrders)
Orders_co = TypeVar("Orders_co", bound=HasOrders, covariant=True)

#: Returns the proposals for an order, under its lock; also makes writes outside the log that must precede the append.
Propose = Callable[[Orders, Order], Sequence[Proposal]]


@dataclass(eq=False, kw_only=True)
class OrderCommandHandler(Generic[Orders_co]):
    """Handle commands and proposed events: the only way to append.

    In order: lock, load, decide, append with projections and reactions, commit, wake the workers.
    On an optimistic-concurrency conflict it decides again in a new transaction, MAX_DECISIONS times in all. So the
    functions passed in may run several times and must have no effects outside the transaction.
    """

    unit_of_work: UnitOfWork[Orders_co]
    queue: ReactionQueue
    prediction_limiter: PredictionLimiter
    clock: Clock
    ids: Ids
    policy: ShopPolicy
    observer: Observer

    def handle(
        self,
        order_id: OrderId,
        proposed: Sequence[Proposal] | Propose[Orders_co],
        cause: Cause,
        *,
        known: Order | None = None,
        closing: ReactionResult | None = None,
        also: Callable[[Orders_co, Commit], None] | None = None,
    ) -> Commit:
        """Record proposals on one order; an empty commit means no change.

        ``known`` is an earlier state of the order, which makes loading it cheaper; the decision is on the present one.
        ``also`` makes further writes in the same transaction, after the append; if it raises, nothing is recorded.
        Idempotent: for a cause that was recorded before, nothing is appended and ``also`` is not called, but the claim
        of ``closing`` is still closed. Raises ShopError if the order refuses a command, LeaseLostError for a lost
        claim, and VersionConflictError after MAX_DECISIONS conflicts.
        """

        def work(transaction: OrderTransaction[Orders_co]) -> Commit:
            order = transaction.load(order_id, known)
            proposals = proposed(transaction.repositories, order) if callable(proposed) else proposed
            commit = transaction.record(order, proposals, cause, closing=closing)
            if also is not None:
                also(transaction.repositories, commit)
            self._grant_slots(transaction)
            return self._going_on(transaction, commit, closing) if closing else commit

        try:
            return self.transact(work)
        except CauseRepeatedError:
            return self._close_only(order_id, closing)

    def transact(self, work: Callable[[OrderTransaction[Orders_co]], T], *, wakes_workers: bool = True) -> T:
        """Run work in one transaction that may involve several orders.

        Also for an order that is only looked up within the transaction. Raises VersionConflictError after
        MAX_DECISIONS conflicts, and CauseRepeatedError for a cause that was recorded before.
        """
        for decision in range(1, MAX_DECISIONS + 1):
            try:
                with self.unit_of_work.transaction() as repositories:
                    transaction = OrderTransaction(repositories, self._decide)
                    result = work(transaction)
                    if wakes_workers:
                        self._grant_slots(transaction)
            except VersionConflictError:
                self.observer.conflicted()
                if decision == MAX_DECISIONS:
                    raise
            else:
                for commit in transaction.commits:
                    self.observer.committed(commit)
                if wakes_workers:
                    self._wake(transaction)
                return result
        raise AssertionError("The last decision either returns or raises.")

    def preview(self, before: Order, proposed: Sequence[Proposal], cause: Cause) -> Commit:
        """Compute what ``handle`` would commit; write nothing, raise ShopError likewise."""
        recorded: list[e.RecordedEvent] = []
        after = before
        for each in proposed:
            for event in decide(after, each, self.policy.limits):
                recorded.append(self._envelope(after, event, cause, number=len(recorded) + 1))
                after = apply(after, recorded[-1])
        work = [*reactions_to(before, after, self.policy.limits), *_cancellations(proposed, after)]
        return Commit(
            before=before,
            after=after,
            events=tuple(recorded),
            reactions=tuple(self._scheduled(before.order_id, due) for due in work),
        )

    def _decide(
        self, before: Order, proposed: Sequence[Proposal], cause: Cause, closing: ReactionResult | None
    ) -> Commit:
        commit = self.preview(before, proposed, cause)
        return self._closed(self._followed(commit, closing), closing) if closing else commit

    def _envelope(self, before: Order, event: e.Event, cause: Cause, *, number: int) -> e.RecordedEvent:
        return e.RecordedEvent(
            event_id=self.ids.new(),
            order_id=before.order_id,
            version=before.version + 1,
            recorded_at=self.clock.now(),
            cause=cause.name,
            cause_key=f"{cause.key}#{number}",
            correlation_id=cause.correlation_id,
            actor=cause.actor,
            event=event,
        )

    def _scheduled(self, order_id: OrderId, due: Due) -> ScheduledReaction:
        now = self.clock.now()
        return ScheduledReaction(
            reaction_id=reaction_id_of(order_id, due.reaction),
            order_id=order_id,
            reaction=due.reaction,
            due_at=now + due.delay,
            sent_at=None if due.delay or due.reaction.starts_prediction else now,
        )

    def _followed(self, commit: Commit, closing: ReactionResult) -> Commit:
        """Claim the first new reaction that follows, if one is due now."""
        for each in commit.reactions:
            if each.sent_at and closing.follows(each.reaction):
                claimed = replace(each, claim=self._first_claim(each))
                others = (other for other in commit.reactions if other is not each)
                return replace(commit, reactions=(claimed, *others))
        return commit

    def _grant_slots(self, transaction: OrderTransaction[Orders_co]) -> None:
        """Grant free slots if a commit affects them, in the same transaction.

        It is the last to be done, because other grants wait for the transaction's end.
        """
        if transaction.admitted is None and any(affects_free_slots(commit) for commit in transaction.commits):
            transaction.admitted = self.prediction_limiter.grant(transaction.repositories)

    def _going_on(
        self, transaction: OrderTransaction[Orders_co], commit: Commit, closing: ReactionResult
    ) -> Commit:
        """Claim a start that got a slot, unless the commit claimed something."""
        admitted = transaction.admitted or []
        for start in admitted if commit.follow_up is None else []:
            reaction_id, reaction = start
            if reaction_id == reaction_id_of(commit.after.order_id, reaction) and closing.follows(reaction):
                transaction.admitted = [other for other in admitted if other is not start]
                reactions, now = transaction.repositories.reactions, self.clock.now()
                claim = reactions.claim(reaction_id, self.ids.new(), now, self.policy.work.lease)
                return replace(commit, follow_up=claim)
        return commit

    def _first_claim(self, scheduled: ScheduledReaction) -> Claim:
        return Claim(
            reaction_id=scheduled.reaction_id,
            order_id=scheduled.order_id,
            reaction=scheduled.reaction,
            token=self.ids.new(),
            attempts=1,
            was_interrupted=False,
            first_due_at=scheduled.due_at,
            claimed_at=scheduled.due_at,
            leased_until=scheduled.due_at + self.policy.work.lease,
        )

    def _closed(self, commit: Commit, closing: ReactionResult) -> Commit:
        """Close the commit's claim; keep a reaction open that is still required.

        It stays open whatever its outcome. Nothing else could have reopened it: its row was leased at the moment the
        order required it again.
        """
        if closing.claim.reaction in required_reactions(commit.after):
            again_at = self.clock.now() + closing.retry_after
            return replace(commit, closes=closing.claim, outcome=Outcome.AGAIN, again_at=again_at)
        return replace(commit, closes=closing.claim, outcome=closing.outcome)

    def _wake(self, transaction: OrderTransaction[Orders_co]) -> None:
        """Send reactions that are due now, and starts that got slots.

        ``ReactionRunner`` goes on with the one that the commit claimed, and ``resend_due`` sends the later ones.
        """
        scheduled = [each for commit in transaction.commits for each in commit.reactions]
        due = [(each.reaction_id, each.reaction) for each in scheduled if each.sent_at and each.claim is None]
        self.queue.send([*due, *(transaction.admitted or [])])

    def _close_only(self, order_id: OrderId, closing: ReactionResult | None) -> Commit:
        """Close the claim, if any, of a cause that was recorded before."""
        with self.unit_of_work.transaction() as repositories:
            order = repositories.event_store.load(order_id)
            commit = Commit(before=order, after=order, events=())
            if closing is not None:
                commit = self._closed(commit, closing)
                repositories.event_store.append(commit)
        return commit


def _cancellations(proposed: Sequence[Proposal], after: Order) -> list[Due]:
    """Cancellations of predictions that started too late for the order to use."""
    late = [
        started.prediction_id
        for started in proposed
        if isinstance(started, e.RestorationStarted)
        and not after.images[started.image_id].knows(started.prediction_id)
    ]
    return [Due(reaction=CancelPrediction(prediction_id)) for prediction_id in late]
