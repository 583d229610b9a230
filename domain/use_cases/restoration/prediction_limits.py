"""Who may start a prediction next: orders take turns, and the provider is never asked for more than it takes."""

from datetime import timedelta

from domain.order.reactions import Reaction
from domain.ports.clock import Clock
from domain.ports.errors import BusyError
from domain.ports.event_store import Commit
from domain.ports.reaction_queue import ReactionQueue
from domain.ports.unit_of_work import HasPredictionSlots, UnitOfWork
from domain.use_cases.shop_policy import ShopPolicy

#: How long to leave a provider alone that is busy and does not say for how long.
BUSY_WAIT = timedelta(seconds=10)


class PredictionLimiter:
    """Hands free slots at the restorer to the starts that wait for one."""

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
        """Wake workers for as many starts as there are free slots, and tell how many that was."""
        with self._unit_of_work.transaction() as transaction:
            admitted = transaction.prediction_slots.grant(
                self._clock.now(),
                max_running=self._policy.predictions.max_running,
                max_per_minute=self._policy.predictions.max_per_minute,
            )
        self._queue.send(admitted)
        return len(admitted)

    def pause(self, busy: BusyError) -> timedelta:
        """Leave a provider that is busy alone for as long as it asks, and tell how long that is."""
        wait = BUSY_WAIT if busy.retry_after_seconds is None else timedelta(seconds=busy.retry_after_seconds)
        with self._unit_of_work.transaction() as transaction:
            transaction.prediction_slots.pause(self._clock.now() + wait)
        return wait


def lets_others_start(step: Commit) -> bool:
    """Whether a step brought a start, or gave a slot back without handing it on."""
    follow = [each.reaction for each in step.reactions]
    return any(work.starts_prediction for work in follow) or (
        step.closes is not None
        and holds_slot(step.closes.reaction)
        and not any(work.follows_prediction for work in follow)
    )


def holds_slot(claimed: Reaction) -> bool:
    """Whether claimed work occupies a slot at the restorer."""
    return claimed.starts_prediction or claimed.follows_prediction
