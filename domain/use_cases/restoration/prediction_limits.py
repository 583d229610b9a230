"""Rate and concurrency limits of predictions, with slots granted fairly by order."""

from datetime import timedelta

from domain.order.reactions import Reaction
from domain.ports.clock import Clock
from domain.ports.errors import BusyError
from domain.ports.event_store import Commit
from domain.ports.reaction_queue import ReactionQueue
from domain.ports.unit_of_work import HasPredictionSlots, UnitOfWork
from domain.use_cases.shop_policy import ShopPolicy

#: The pause after a busy response without a Retry-After.
BUSY_WAIT = timedelta(seconds=10)


class PredictionLimiter:
    """Grant the restorer's free slots to waiting predictions."""

    def __init__(
        self,
        *,
        unit_of_work: UnitOfWork[HasPredictionSlots],
        queue: ReactionQueue,
        clock: Clock,
        policy: ShopPolicy,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._queue = queue
        self._clock = clock
        self._policy = policy

    def grant_slots(self) -> int:
        """Fill the free slots, wake workers for them, and return their number."""
        with self._unit_of_work.transaction() as transaction:
            admitted = transaction.prediction_slots.grant(
                self._clock.now(),
                max_running=self._policy.predictions.max_running,
                max_per_minute=self._policy.predictions.max_per_minute,
            )
        self._queue.send(admitted)
        return len(admitted)

    def pause(self, busy: BusyError) -> timedelta:
        """Pause starts for the time that a busy provider requests; return it."""
        wait = BUSY_WAIT if busy.retry_after_seconds is None else timedelta(seconds=busy.retry_after_seconds)
        with self._unit_of_work.transaction() as transaction:
            transaction.prediction_slots.pause(self._clock.now() + wait)
        return wait


def lets_others_start(step: Commit) -> bool:
    """Whether a commit adds a start or releases a slot.

    A slot is not released if a reaction of the same commit continues its prediction.
    """
    follow = [each.reaction for each in step.reactions]
    return any(work.starts_prediction for work in follow) or (
        step.closes is not None
        and holds_slot(step.closes.reaction)
        and not any(work.follows_prediction for work in follow)
    )


def holds_slot(claimed: Reaction) -> bool:
    """Whether a claimed reaction occupies a slot at the restorer."""
    return claimed.starts_prediction or claimed.follows_prediction
