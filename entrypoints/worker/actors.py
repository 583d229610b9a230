"""Dramatiq actors, one per queue, which perform reactions by id.

A thread goes on with what its reaction makes due: the commit has claimed that already, so it needs no message, no
second transaction and no second look at the order.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from uuid import UUID

import dramatiq
import structlog

from domain.order.order import Order
from domain.order.reactions import Reaction
from domain.ports.reaction_queue import Claim
from domain.ports.unit_of_work import LeaseLostError, UnreadableReactionError
from domain.use_cases.reaction_runner import ReactionRunner
from entrypoints.worker.lease_renewal import LeaseRenewal

#: How many reactions a thread performs for one message; further ones are sent.
MOST_IN_A_ROW = 5

_log = structlog.get_logger(__name__)


def declare_actors(broker: dramatiq.Broker, perform: Callable[[str], object]) -> None:
    """Declare an actor of the same name for each broker queue."""
    for queue_name in broker.get_declared_queues():

        def act(reaction_id: str) -> None:
            perform(reaction_id)  # Dramatiq warns of a result that nothing fetches

        dramatiq.actor(broker=broker, queue_name=queue_name, actor_name=queue_name)(act)


class Performer:
    """Performs reactions, each with those that follow from it, and logs them.

    At most half of a queue's threads perform reactions of other queues, so that none of these can occupy them all.

    Args:
        reaction_runner: performs one reaction.
        leases: renews the leases meanwhile.
        queue_of: the name of a reaction's queue.
        threads: how many each queue has.
        is_stopping: whether the process is about to end; its threads then perform no further reactions.
    """

    def __init__(
        self,
        reaction_runner: ReactionRunner,
        leases: LeaseRenewal,
        *,
        queue_of: Callable[[Reaction], str],
        threads: int,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._reaction_runner = reaction_runner
        self._leases = leases
        self._queue_of = queue_of
        self._most_lent = threads // 2
        self._is_stopping = is_stopping
        self._lock = Lock()
        self._lent: Counter[str] = Counter()  # threads of each queue that may perform reactions of others

    def perform(self, reaction_id: str) -> list[type[Reaction]]:
        """Claim and perform a reaction by id, then those that follow.

        Return their kinds: none if it cannot be claimed.
        """
        performed: list[type[Reaction]] = []
        try:
            claimed = self._reaction_runner.claim(UUID(reaction_id))
        except UnreadableReactionError as error:
            _log.error("reaction_unreadable", reaction_id=reaction_id, problem=str(error))
            return performed
        if claimed is None:
            return performed
        home = self._queue_of(claimed[0].reaction)
        with self._follow_ups(home) as follows:
            while claimed is not None:
                performed.append(type(claimed[0].reaction))
                is_last = len(performed) == MOST_IN_A_ROW
                claimed = self._perform(home, *claimed, _never if is_last else follows)
        return performed

    def _perform(
        self, home: str, claim: Claim, order: Order, follows: Callable[[Reaction], bool]
    ) -> tuple[Claim, Order] | None:
        """Perform one claimed reaction; return the next one's claim."""
        try:
            with self._leases.keep(claim, order, home):
                return self._reaction_runner.perform(claim, order, follows)
        except LeaseLostError:
            return None  # the log has it: outcome lease_lost

    @contextmanager
    def _follow_ups(self, home: str) -> Iterator[Callable[[Reaction], bool]]:
        """Decide whether a queue's thread may go on with a reaction."""
        is_lent = False

        def follows(reaction: Reaction) -> bool:
            nonlocal is_lent
            if self._is_stopping():
                return False
            if self._queue_of(reaction) == home:
                return True
            with self._lock:
                if not is_lent and self._lent[home] < self._most_lent:
                    self._lent[home] += 1
                    is_lent = True
            return is_lent

        try:
            yield follows
        finally:
            if is_lent:
                with self._lock:
                    self._lent[home] -= 1


def _never(_: Reaction) -> bool:
    """Go on with nothing."""
    return False
