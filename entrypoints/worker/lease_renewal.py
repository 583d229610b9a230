"""Renewal of the leases that this process holds.

Renewal lets a lease be short, so that work lost in a crash is soon claimed again.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from uuid import UUID

import structlog

from domain.order.order import Order
from domain.ports.reaction_queue import Claim
from domain.use_cases.reaction_runner import ReactionRunner

_log = structlog.get_logger(__name__)


class LeaseRenewal:
    """Renews the leases of running reactions, and gives up hanging ones."""

    def __init__(self, reaction_runner: ReactionRunner) -> None:
        self._reaction_runner = reaction_runner
        self._lock = Lock()
        self._held: dict[UUID, tuple[Claim, Order]] = {}
        self._queues: dict[UUID, str] = {}  # whose threads perform them
        self._hanging: set[UUID] = set()

    @contextmanager
    def keep(self, claim: Claim, order: Order, queue_name: str) -> Iterator[None]:
        """Renew a claim while the block runs, until its deadline.

        ``queue_name`` is the queue whose thread runs it.
        """
        with self._lock:
            self._held[claim.token] = claim, order
            self._queues[claim.token] = queue_name
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(claim.token, None)
                self._queues.pop(claim.token, None)
                self._hanging.discard(claim.token)

    def renew(self) -> None:
        """Renew all held leases in one round trip.

        Claims past their deadline are given up: they count as hanging.
        """
        with self._lock:
            held = list(self._held.values())
        for claim in self._reaction_runner.renew(held):
            with self._lock:
                if self._held.pop(claim.token, None) is not None:
                    self._hanging.add(claim.token)
            _log.error(
                "call_never_returned",
                reaction_id=str(claim.reaction_id),
                order_id=str(claim.order_id),
                kind=type(claim.reaction).__name__,
                attempt=claim.attempts,
            )

    def hanging(self) -> Counter[str]:
        """The number of hanging threads of each queue."""
        with self._lock:
            return Counter(self._queues[token] for token in self._hanging)
