"""Chapter 10: temp uploads that nobody needs any more go."""

from datetime import timedelta
from typing import Protocol

from domain.object_keys import uploads_of
from domain.order.values import UploadSessionId
from domain.ports.clock import Clock
from domain.ports.errors import UnavailableError
from domain.ports.object_storage import ObjectStorage
from domain.ports.unit_of_work import HasReactions, HasWebhookInbox, UnitOfWork
from domain.use_cases.privacy.unreadable_orders import (
    UnreadableOrderRepositories,
    sessions_of_unreadable_orders,
)
from domain.use_cases.shop_policy import ShopPolicy


class UploadCleanupRepositories(UnreadableOrderRepositories, HasReactions, HasWebhookInbox, Protocol):
    """What the cleanup of uploads touches."""


#: How long a session that was tidied stays known: longer than a payment for it can take to arrive.
TIDIED_KEPT = timedelta(days=90)

#: How many sessions are taken at a time.
ROUND = 100
#: How many rows of each kind one transaction deletes.
RECORDS = 1_000


class UploadCleanup:
    """Tidies on a schedule."""

    def __init__(
        self,
        *,
        unit_of_work: UnitOfWork[UploadCleanupRepositories],
        storage: ObjectStorage,
        clock: Clock,
        policy: ShopPolicy,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._storage = storage
        self._clock = clock
        self._policy = policy

    def tidy(self) -> int:
        """Delete every stale temp upload and tell of how many sessions.

        A session expires first, and is then no longer payable; its objects go without any transaction being open,
        and last the session itself. A crash in between leaves an expired session to the next round. Those of orders
        that cannot be read stay. Raises UnavailableError if some objects could not be deleted, after all the others
        are gone.
        """
        tidied, trouble = 0, None
        while sessions := self._expire():
            forgotten = 0
            with self._unit_of_work.transaction() as transaction:
                unreadable = sessions_of_unreadable_orders(transaction, sessions)
            for session_id in sessions:
                if session_id in unreadable:
                    continue
                try:
                    self._forget(session_id)
                except UnavailableError as error:
                    trouble = error
                else:
                    forgotten += 1
            tidied += forgotten
            if len(sessions) < ROUND or not forgotten:
                break
        with self._unit_of_work.transaction() as transaction:
            transaction.upload_sessions.remove_tidied(self._clock.now() - TIDIED_KEPT)
        if trouble is not None:
            raise trouble
        return tidied

    def forget_records(self) -> int:
        """Delete closed work and handled messages whose retention is over, and return how many.

        Work whose row is gone is inserted anew when it is needed anew, and the log, not the inbox, keeps a fact from
        being recorded twice; both are kept for longer than providers send again and than the comparison looks back.
        """
        before = self._clock.now() - self._policy.retention.records
        forgotten, is_more = 0, True
        while is_more:
            with self._unit_of_work.transaction() as transaction:
                work = transaction.reactions.forget_closed(before, RECORDS)
                messages = transaction.webhook_inbox.forget(before, RECORDS)
            forgotten += work + messages
            is_more = RECORDS in {work, messages}
        return forgotten

    def _expire(self) -> list[UploadSessionId]:
        now = self._clock.now()
        with self._unit_of_work.transaction() as transaction:
            return transaction.upload_sessions.expire_stale(
                now - self._policy.retention.uploads, now - self._policy.payments.checkout_lifetime, ROUND
            )

    def _forget(self, session_id: UploadSessionId) -> None:
        # All that lies under the session's prefix, also what a crash kept from being written down.
        self._storage.purge(uploads_of(session_id))
        with self._unit_of_work.transaction() as transaction:
            transaction.upload_sessions.forget_temp_objects(session_id, self._clock.now())
