"""Rate and concurrency limits of predictions, with slots granted fairly by order."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from domain.order.reactions import Reaction
from domain.ports.clock import Clock
from domain.ports.errors import BusyError
from domain.ports.event_store import Commit
from domain.ports.reaction_queue import ReactionQueue
from domain.ports.unit_of_work import HasPredictionSlots, UnitOfWork
from domain.use_cases.shop_policy import ShopPolicy

#: The pause after a busy response without a Retry-After.
BUSY_WAIT = timedelta(seconds=10)


@dataclass(eq=False, kw_only=True)
class PredictionLimiter:
    """Grant the restorer's free slots to waiting predictions."""

    unit_of_work: UnitOfWork[HasPredictionSlots]
    queue: ReactionQueue
    clock: Clock
    policy: ShopPolicy

    def grant_slots(self) -> int:
        """Fill the free slots, wake workers for them, and return their number."""
        with self.unit_of_work.transaction() as transaction:
            admitted = self.grant(transaction)
        self.queue.send(admitted)
        return len(admitted)

    def grant(self, transaction: HasPredictionSlots) -> list[tuple[UUID, Reaction]]:
        """Fill the free slots within a transaction; the caller wakes workers."""
        return transaction.prediction_slots.grant(
            self.clock.now(),
            max_running=self.policy.predictions.max_running,
            max_per_minute=self.policy.predictions.max_per_minute,
        )

    def pause(self, busy: BusyError) -> timedelta:
        """Pause starts for the time that a busy provider requests; return it."""
        wait = BUSY_WAIT if busy.retry_after_seconds is None else timedelta(seconds=busy.retry_after_seconds)
        with self.unit_of_work.transaction() as transaction:
            transaction.prediction_slots.pause(self.clock.now() + wait)
        return wait


def affects_free_slots(commit: Commit) -> bool:
    """Whether a commit adds a start or frees a slot.

    A slot is not freed if a reaction of the same commit continues its prediction.
    """
    follow = [each.reaction for each in commit.reactions]
    return any(work.starts_prediction for work in follow) or (
        commit.closes is not None
        and holds_slot(commit.closes.reaction)
        and not any(work.follows_prediction for work in follow)
    )


def holds_slot(claimed: Reaction) -> bool:
    """Whether a claimed reaction occupies a slot at the restorer."""
    return claimed.starts_prediction or claimed.follows_prediction
