"""Renewal of the leases that this process holds.

Renewal lets a lease be short, so that work lost in a crash is soon claimed again.
"""

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
    """Renews the leases of running reactions, and gives up hanging ones."""

    def __init__(self, reaction_runner: ReactionRunner) -> None:
        self._reaction_runner = reaction_runner
        self._lock = Lock()
        self._held: dict[UUID, tuple[Claim, Order]] = {}
        self._hanging: dict[UUID, Claim] = {}

    @contextmanager
    def keep(self, claim: Claim, order: Order) -> Iterator[None]:
        """Renew a claim while the block runs, until its deadline."""
        with self._lock:
            self._held[claim.token] = claim, order
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(claim.token, None)
                self._hanging.pop(claim.token, None)

    def renew(self) -> None:
        """Renew all held leases in one round trip.

        Claims past their deadline are given up: they count as hanging.
        """
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
        """The number of hanging threads of each queue."""
        with self._lock:
            return Counter(queue_of(claim.reaction) for claim in self._hanging.values())
