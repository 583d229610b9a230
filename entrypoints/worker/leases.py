"""Keeps the leases of work that takes long, so that a lease can be short and a crash costs little."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from uuid import UUID

from domain.ports.work import Claim
from domain.services.working import Working


class LeaseKeeper:
    """Knows what this process is working on, and prolongs it when asked."""

    def __init__(self, working: Working) -> None:
        self._working = working
        self._lock = Lock()
        self._claims: dict[UUID, Claim] = {}

    @contextmanager
    def keep(self, claim: Claim) -> Iterator[None]:
        """Keep a claim ours for as long as the block takes."""
        with self._lock:
            self._claims[claim.token] = claim
        try:
            yield
        finally:
            with self._lock:
                del self._claims[claim.token]

    def renew(self) -> None:
        """Prolong every lease that is kept now, in one round trip."""
        with self._lock:
            claims = list(self._claims.values())
        self._working.renew(claims)
