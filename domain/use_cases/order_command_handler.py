"""The command handler of orders: the only code that appends to the event log."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Generic, TypeVar
from uuid import UUID

from domain.order import events as e
from domain.order.commands import Proposal
from domain.order.decide import decide
from domain.order.evolve import apply
from domain.order.order import Order
from domain.order.reactions import CancelPrediction, Due, reaction_id_of, reactions_to, required_reactions
from domain.order.values import OrderId
from domain.ports.clock import Clock
from domain.ports.event_store import Commit
from domain.ports.ids import Ids
from domain.ports.reaction_queue import Claim, Outcome, ReactionQueue, ScheduledReaction
from domain.ports.unit_of_work import CauseRepeatedError, HasEventStore, UnitOfWork, VersionConflictError
from domain.use_cases.restoration.prediction_limits import PredictionLimiter, lets_others_start
from domain.use_cases.shop_policy import ShopPolicy

#: How often a command is decided before its conflict is raised; more in a row mean that something else is wrong.
MAX_DECISIONS = 5

T = TypeVar("T")
Orders = TypeVar("Orders", bound=HasEventStore)
Orders_co = TypeVar("Orders_co", bound=HasEventStore, covariant=True)


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Where a commit comes from: ``name`` for people, ``key`` to record it once in a stream."""

    name: str
    key: str
    actor: str
    correlation_id: UUID


@dataclass(frozen=True, kw_only=True)
class ReactionResult:
    """The claim a commit closes, how, and when its work is due again if the order still needs it."""

    claim: Claim
    retry_after: timedelta
    outcome: Outcome = Outcome.DONE


_DecideCommit = Callable[[Order, Sequence[Proposal], Cause, ReactionResult | None], Commit]


class OrderTransaction(Generic[Orders_co]):
    """One transaction that records on orders; the workers are woken after its commit."""

    def __init__(self, repositories: Orders_co, decide_commit: _DecideCommit) -> None:
        self.repositories: Final = repositories
        self.commits: list[Commit] = []
        self._decide_commit = decide_commit

    def load(self, order_id: OrderId) -> Order:
        """Lock an order until the transaction ends, and load it.

        Load every order before the first write, so that the events of each stream keep their order in the log.
        """
        self.repositories.event_store.lock(order_id)
        return self.repositories.event_store.load(order_id)

    def record(
        self,
        order: Order,
        proposed: Sequence[Proposal],
        cause: Cause,
        *,
        closing: ReactionResult | None = None,
    ) -> Commit:
        """Decide on an order; append what follows, with its projections and reactions."""
        commit = self._decide_commit(order, proposed, cause, closing)
        if commit.events or commit.closes is not None:
            self.repositories.event_store.append(commit)
            self.commits.append(commit)
        return commit


#: What to propose to an order, decided under its lock; writes beside the log that come first belong here, too.
Propose = Callable[[Orders, Order], Sequence[Proposal]]


class OrderCommandHandler(Generic[Orders_co]):
    """The one way to record on orders: lock, load, decide, append, commit, wake the workers.

    Optimistic-concurrency conflicts are retried up to MAX_DECISIONS times, each time in a new transaction. So the
    functions that are passed in may run several times, once a decision, and must do all they do in the transaction.
    """

    def __init__(
        self,
        *,
        unit_of_work: UnitOfWork[Orders_co],
        queue: ReactionQueue,
        prediction_limiter: PredictionLimiter,
        clock: Clock,
        ids: Ids,
        policy: ShopPolicy,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._queue = queue
        self._prediction_limiter = prediction_limiter
        self._clock = clock
        self._ids = ids
        self._policy = policy

    def handle(
        self,
        order_id: OrderId,
        proposed: Sequence[Proposal] | Propose[Orders_co],
        cause: Cause,
        *,
        closing: ReactionResult | None = None,
        also: Callable[[Orders_co, Commit], None] | None = None,
    ) -> Commit:
        """Record what is proposed to one order, and give the commit; one without events if nothing is new.

        ``also`` writes what belongs into the same transaction, after the append; when it raises, nothing is recorded.
        A cause that is on record changes nothing, and ``also`` is not called. The claim of ``closing`` is closed in
        any case. Raises ShopError for a request that the order refuses, and LeaseLostError for a lost claim.
        """

        def work(transaction: OrderTransaction[Orders_co]) -> Commit:
            order = transaction.load(order_id)
            proposals = proposed(transaction.repositories, order) if callable(proposed) else proposed
            commit = transaction.record(order, proposals, cause, closing=closing)
            if also is not None:
                also(transaction.repositories, commit)
            return commit

        try:
            return self.transact(work)
        except CauseRepeatedError:
            return self._close_only(order_id, closing)

    def transact(self, work: Callable[[OrderTransaction[Orders_co]], T], *, wakes_workers: bool = True) -> T:
        """Run work in one transaction: on several orders, or on one that is found out in there.

        Raises VersionConflictError after MAX_DECISIONS conflicts, and CauseRepeatedError.
        """
        for decision in range(1, MAX_DECISIONS + 1):
            try:
                with self._unit_of_work.transaction() as repositories:
                    transaction = OrderTransaction(repositories, self._decide)
                    result = work(transaction)
            except VersionConflictError:
                if decision == MAX_DECISIONS:
                    raise
            else:
                for commit in transaction.commits if wakes_workers else ():
                    self._wake(commit)
                return result
        raise AssertionError("The last decision either returns or raises.")

    def preview(self, before: Order, proposed: Sequence[Proposal], cause: Cause) -> Commit:
        """What ``handle`` would commit, without writing anything; raises ShopError as it does."""
        recorded: list[e.RecordedEvent] = []
        after = before
        for each in proposed:
            for event in decide(after, each, self._policy.limits):
                recorded.append(self._envelope(after, event, cause, number=len(recorded) + 1))
                after = apply(after, recorded[-1])
        work = [*reactions_to(before, after, self._policy.limits), *_cancellations(proposed, after)]
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
        return self._closed(commit, closing) if closing else commit

    def _envelope(self, before: Order, event: e.Event, cause: Cause, *, number: int) -> e.RecordedEvent:
        return e.RecordedEvent(
            event_id=self._ids.new(),
            order_id=before.order_id,
            version=before.version + 1,
            recorded_at=self._clock.now(),
            cause=cause.name,
            cause_key=f"{cause.key}#{number}",
            correlation_id=cause.correlation_id,
            actor=cause.actor,
            event=event,
        )

    def _scheduled(self, order_id: OrderId, due: Due) -> ScheduledReaction:
        now = self._clock.now()
        return ScheduledReaction(
            reaction_id=reaction_id_of(order_id, due.reaction),
            order_id=order_id,
            reaction=due.reaction,
            due_at=now + due.delay,
            sent_at=None if due.delay or due.reaction.starts_prediction else now,
        )

    def _closed(self, commit: Commit, closing: ReactionResult) -> Commit:
        """The commit with its claim closed; work that the order still needs stays open, whatever its outcome.

        Its row was leased when the order came to need it anew, so nothing else has reopened it.
        """
        if closing.claim.reaction in required_reactions(commit.after):
            again_at = self._clock.now() + closing.retry_after
            return replace(commit, closes=closing.claim, outcome=Outcome.AGAIN, again_at=again_at)
        return replace(commit, closes=closing.claim, outcome=closing.outcome)

    def _wake(self, commit: Commit) -> None:
        """Send the workers what is due at once, and grant free slots; what is due later is sent by the sweeper."""
        self._queue.send([(each.reaction_id, each.reaction) for each in commit.reactions if each.sent_at])
        if lets_others_start(commit):
            self._prediction_limiter.grant_slots()

    def _close_only(self, order_id: OrderId, closing: ReactionResult | None) -> Commit:
        """The commit of a cause that is on record already: it closes a claim at most."""
        with self._unit_of_work.transaction() as repositories:
            order = repositories.event_store.load(order_id)
            commit = Commit(before=order, after=order, events=())
            if closing is not None:
                commit = self._closed(commit, closing)
                repositories.event_store.append(commit)
        return commit


def _cancellations(proposed: Sequence[Proposal], after: Order) -> list[Due]:
    """Cancel predictions that started too late for the order to use them."""
    late = [
        started.prediction_id
        for started in proposed
        if isinstance(started, e.RestorationStarted)
        and not after.images[started.image_id].knows(started.prediction_id)
    ]
    return [Due(reaction=CancelPrediction(prediction_id)) for prediction_id in late]
