"""Chapter 10: temp uploads that nobody needs any more go."""

from domain.ports.books import Books
from domain.ports.storage import ObjectStore
from domain.ports.world import Clock
from domain.services.policy import Policy

#: How many sessions one round tidies; the next round goes on.
ROUND = 100


class Housekeeping:
    """Tidies on a schedule."""

    def __init__(self, *, books: Books, storage: ObjectStore, clock: Clock, policy: Policy) -> None:
        self._books = books
        self._storage = storage
        self._clock = clock
        self._policy = policy

    def tidy(self) -> int:
        """Delete stale temp uploads and tell of how many sessions.

        The sessions stay locked meanwhile, so none can turn into an order while its photos go; a crash in between
        leaves the rows, and the next round deletes what is left.
        """
        now = self._clock.now()
        opened_before = now - self._policy.cleanup_retention
        with self._books.transaction() as transaction:
            stale = transaction.uploads.stale(opened_before, now - self._policy.checkout_lifetime, ROUND)
            for session_id, keys in stale:
                self._storage.delete(keys)
                transaction.uploads.forget_temp_objects(session_id, now)
        return len(stale)
