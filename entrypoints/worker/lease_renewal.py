"""Keeps the leases of work that takes long, so that a lease can be short and a crash costs little."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from uuid import UUID

import structlog

from domain.order.order import Order
from domain.order.reactions import Reaction
from domain.ports.reaction_queue import Claim
from domain.use_cases.reaction_runner import ReactionRunner

_log = structlog.get_logger(__name__)


class LeaseRenewal:
    """Knows what this process is working on, renews its leases, and gives up calls that do not return."""

    def __init__(self, reaction_runner: ReactionRunner) -> None:
        self._reaction_runner = reaction_runner
        self._lock = Lock()
        self._held: dict[UUID, tuple[Claim, Order]] = {}
        self._hanging: dict[UUID, Claim] = {}

    @contextmanager
    def keep(self, claim: Claim, order: Order) -> Iterator[None]:
        """Keep a claim ours for as long as the block takes, up to its last moment."""
        with self._lock:
            self._held[claim.token] = claim, order
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(claim.token, None)
                self._hanging.pop(claim.token, None)

    def renew(self) -> None:
        """Renew every lease that is held, in one round trip; calls past their last moment are given up."""
        with self._lock:
            held = list(self._held.values())
        for claim in self._reaction_runner.renew(held):
            with self._lock:
                if self._held.pop(claim.token, None) is not None:
                    self._hanging[claim.token] = claim
            _log.error(
                "call_never_returned",
                reaction_id=str(claim.reaction_id),
                order_id=str(claim.order_id),
                kind=type(claim.reaction).__name__,
                attempt=claim.attempts,
            )

    def hanging(self, queue_of: Callable[[Reaction], str]) -> Counter[str]:
        """How many threads of each queue still wait for a call that was given up."""
        with self._lock:
            return Counter(queue_of(claim.reaction) for claim in self._hanging.values())
