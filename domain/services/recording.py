"""One move of an order: load, decide, append, write what follows, wake the workers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from domain.model import events as e
from domain.model.decide import decide
from domain.model.evolve import apply
from domain.model.order import Order
from domain.model.reactions import reaction_id_of, reactions_to
from domain.model.values import OrderId
from domain.ports.books import (
    Books,
    CauseRepeatedError,
    Claim,
    Outcome,
    ReactionQueue,
    Scheduled,
    Step,
    Transaction,
    VersionConflictError,
)
from domain.ports.world import Clock, Ids
from domain.services.policy import Policy

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
class Closing:
    """The claim a step ends, and how."""

    claim: Claim
    outcome: Outcome = Outcome.DONE


class Recorder:
    """Writes steps into the books and tells the workers what became due."""

    def __init__(self, *, books: Books, queue: ReactionQueue, clock: Clock, ids: Ids, policy: Policy) -> None:
        self._books = books
        self._queue = queue
        self._clock = clock
        self._ids = ids
        self._policy = policy

    def record(
        self, order_id: OrderId, said: Sequence[e.Event], cause: Cause, *, closing: Closing | None = None
    ) -> Order:
        """Decide what is said against the order as it stands, and write what follows; gives the order after it.

        What the order knows already changes nothing; a claim is closed all the same. A conflict loads and decides
        again. Raises ShopError for a wish that is not allowed and LeaseLostError if the claim is somebody else's.
        """
        for decision in range(1, MAX_DECISIONS + 1):
            try:
                with self._books.transaction() as transaction:
                    before = transaction.log.load(order_id)
                    step = self.plan(before, said, cause, closing=closing)
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
        self, before: Order, said: Sequence[e.Event], cause: Cause, *, closing: Closing | None = None
    ) -> Step:
        """The step that follows from what is said, without writing anything."""
        now = self._clock.now()
        after = before
        recorded: list[e.RecordedEvent] = []
        for each in said:
            for event in decide(after, each, self._policy.limits):
                envelope = e.RecordedEvent(
                    event_id=self._ids.new(),
                    order_id=before.order_id,
                    version=after.version + 1,
                    recorded_at=now,
                    cause=cause.name,
                    cause_key=f"{cause.key}#{len(recorded) + 1}",
                    correlation_id=cause.correlation_id,
                    actor=cause.actor,
                    event=event,
                )
                recorded.append(envelope)
                after = apply(after, envelope)
        scheduled = (
            Scheduled(
                reaction_id=reaction_id_of(before.order_id, due.reaction),
                order_id=before.order_id,
                reaction=due.reaction,
                due_at=now + due.delay,
                sent_at=None if due.delay else now,
            )
            for due in reactions_to(before, after, self._policy.pace)
        )
        return Step(
            before=before,
            after=after,
            events=tuple(recorded),
            reactions=tuple(scheduled),
            closes=closing.claim if closing else None,
            outcome=closing.outcome if closing else Outcome.DONE,
        )

    def write(self, transaction: Transaction, step: Step) -> None:
        """Write a step inside a transaction of the caller's, who calls ``wake`` once it is committed."""
        if step.events or step.closes is not None:
            transaction.log.record(step)

    def wake(self, step: Step) -> None:
        """Tell the workers what is due at once; what is due later is the sweeper's."""
        self._queue.send([(each.reaction_id, each.reaction) for each in step.reactions if each.sent_at])

    def _close_only(self, order_id: OrderId, closing: Closing | None) -> Order:
        with self._books.transaction() as transaction:
            order = transaction.log.load(order_id)
            if closing is not None:
                transaction.log.record(
                    Step(before=order, after=order, events=(), closes=closing.claim, outcome=closing.outcome)
                )
            return order


def person(name: str) -> str:
    """The actor of an event that a person at the shop caused."""
    return f"person:{name}"


def repeated(cause: Cause, key: str) -> Cause:
    """The same cause under another key, for a second fact that it brings."""
    return replace(cause, key=key)
