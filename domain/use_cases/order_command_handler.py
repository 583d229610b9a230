"""One move of an order: load, decide, append, write what follows, wake the workers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from domain.order import events as e
from domain.order.decide import decide
from domain.order.evolve import apply
from domain.order.order import Order
from domain.order.reactions import CancelPrediction, Due, reaction_id_of, reactions_to, required_reactions
from domain.order.values import OrderId
from domain.ports.clock import Clock
from domain.ports.event_store import Commit
from domain.ports.ids import Ids
from domain.ports.prediction_limiter import needs_admission
from domain.ports.reaction_queue import Claim, Outcome, ReactionQueue, ScheduledReaction
from domain.ports.unit_of_work import CauseRepeatedError, Transaction, UnitOfWork, VersionConflictError
from domain.use_cases.restoration.prediction_limits import PredictionLimiter, lets_others_start
from domain.use_cases.shop_policy import ShopPolicy

#: A conflict means another fact came first; more than a few in a row mean something else is wrong.
MAX_DECISIONS = 5


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Where a step comes from: ``name`` for people to read, ``key`` so that it is recorded once in a stream."""

    name: str
    key: str
    actor: str
    correlation_id: UUID


@dataclass(frozen=True, kw_only=True)
class ReactionResult:
    """The claim a step ends, how, and when its work is due again if the order still needs it."""

    claim: Claim
    retry_after: timedelta
    outcome: Outcome = Outcome.DONE


class OrderCommandHandler:
    """Writes steps into the books and tells the workers what became due."""

    def __init__(
        self, *, unit_of_work: UnitOfWork, queue: ReactionQueue, clock: Clock, ids: Ids, policy: ShopPolicy
    ) -> None:
        self._unit_of_work = unit_of_work
        self._queue = queue
        self._clock = clock
        self._ids = ids
        self._policy = policy
        self._prediction_limiter = PredictionLimiter(
            unit_of_work=unit_of_work, queue=queue, clock=clock, policy=policy
        )

    def record(
        self,
        order_id: OrderId,
        proposed: Sequence[e.Event],
        cause: Cause,
        *,
        closing: ReactionResult | None = None,
    ) -> Order:
        """Decide what is said against the order as it stands, and write what follows; gives the order after it.

        What the order knows already changes nothing; a claim is closed all the same. Steps of one order wait for
        one another, because work that is done must not be lost to a conflict. Raises ShopError for a wish that is
        not allowed and LeaseLostError if the claim is somebody else's.
        """
        for decision in range(1, MAX_DECISIONS + 1):
            try:
                with self._unit_of_work.transaction() as transaction:
                    transaction.event_store.lock(order_id)
                    before = transaction.event_store.load(order_id)
                    step = self.plan(before, proposed, cause, closing=closing)
                    self.write(transaction, step)
            except VersionConflictError:
                if decision == MAX_DECISIONS:
                    raise
            except CauseRepeatedError:
                return self._close_only(order_id, closing)
            else:
                self.wake(step)
                return step.after
        raise AssertionError("The last decision either returns or raises.")

    def plan(
        self,
        before: Order,
        proposed: Sequence[e.Event],
        cause: Cause,
        *,
        closing: ReactionResult | None = None,
    ) -> Commit:
        """The step that follows from what is said, without writing anything."""
        recorded: list[e.RecordedEvent] = []
        after = before
        for each in proposed:
            for event in decide(after, each, self._policy.limits):
                recorded.append(self._envelope(after, event, cause, number=len(recorded) + 1))
                after = apply(after, recorded[-1])
        work = [*reactions_to(before, after, self._policy.pace), *_cancellations(proposed, after)]
        step = Commit(
            before=before,
            after=after,
            events=tuple(recorded),
            reactions=tuple(self._scheduled(before.order_id, due) for due in work),
        )
        return self._closed(step, closing) if closing else step

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
            sent_at=None if due.delay or needs_admission(due.reaction) else now,
        )

    def _closed(self, step: Commit, closing: ReactionResult) -> Commit:
        """The step with its claim closed; work that the order needs after it stays open, whatever its outcome.

        Its row was leased when the order came to need it anew, so nothing else has reopened it.
        """
        if closing.claim.reaction in required_reactions(step.after):
            again_at = self._clock.now() + closing.retry_after
            return replace(step, closes=closing.claim, outcome=Outcome.AGAIN, again_at=again_at)
        return replace(step, closes=closing.claim, outcome=closing.outcome)

    def write(self, transaction: Transaction, step: Commit) -> None:
        """Write a step inside a transaction of the caller's, who calls ``wake`` once it is committed."""
        if step.events or step.closes is not None:
            transaction.event_store.append(step)

    def wake(self, step: Commit) -> None:
        """Tell the workers what is due at once, and what may start now; what is due later is the sweeper's."""
        self._queue.send([(each.reaction_id, each.reaction) for each in step.reactions if each.sent_at])
        if lets_others_start(step):
            self._prediction_limiter.grant_slots()

    def _close_only(self, order_id: OrderId, closing: ReactionResult | None) -> Order:
        with self._unit_of_work.transaction() as transaction:
            order = transaction.event_store.load(order_id)
            if closing is not None:
                unchanged = Commit(before=order, after=order, events=())
                transaction.event_store.append(self._closed(unchanged, closing))
            return order


def _cancellations(proposed: Sequence[e.Event], after: Order) -> list[Due]:
    """A prediction that started too late for the order to take it helps nobody: it is stopped."""
    late = [
        started.prediction_id
        for started in proposed
        if isinstance(started, e.RestorationStarted)
        and not after.images[started.image_id].knows(started.prediction_id)
    ]
    return [Due(reaction=CancelPrediction(prediction_id)) for prediction_id in late]
