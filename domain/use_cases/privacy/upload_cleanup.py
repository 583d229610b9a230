"""Scheduled deletion of temporary uploads and old records."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from domain.object_keys import uploads_of
from domain.order.values import UploadSessionId
from domain.ports.clock import Clock
from domain.ports.errors import UnavailableError
from domain.ports.object_storage import ObjectStorage
from domain.ports.unit_of_work import HasIdempotencyKeys, HasReactions, HasWebhookInbox, UnitOfWork
from domain.use_cases.deferred_errors import deferring
from domain.use_cases.privacy.unreadable_orders import (
    UnreadableOrderRepositories,
    sessions_of_unreadable_orders,
)
from domain.use_cases.shop_policy import ShopPolicy


class UploadCleanupRepositories(
    UnreadableOrderRepositories, HasReactions, HasWebhookInbox, HasIdempotencyKeys, Protocol
):
    """The repositories that the cleanup reads and changes."""


#: How long a cleaned-up session stays known: longer than a payment for it can take to arrive.
TIDIED_KEPT = timedelta(days=90)

#: How many sessions are expired at a time.
ROUND = 100
#: How many rows of each kind one transaction deletes.
RECORDS = 1_000


@dataclass(eq=False, kw_only=True)
class UploadCleanup:
    """Deletes stale uploads and old records on a schedule."""

    unit_of_work: UnitOfWork[UploadCleanupRepositories]
    storage: ObjectStorage
    clock: Clock
    policy: ShopPolicy

    def tidy(self) -> int:
        """Delete all stale temporary uploads, and return the number of sessions.

        A session expires first, and can then not be paid any more; its objects are deleted outside any transaction,
        and the session last. A crash in between leaves an expired session to the next round. Uploads of orders that
        cannot be read stay. Raises UnavailableError if some objects could not be deleted, after all others were.
        """
        tidied = 0
        with deferring(UnavailableError) as guard:
            while sessions := self._expire():
                forgotten = 0
                with self.unit_of_work.transaction() as transaction:
                    unreadable = sessions_of_unreadable_orders(transaction, sessions)
                for session_id in sessions:
                    if session_id not in unreadable:
                        with guard():
                            self._forget(session_id)
                            forgotten += 1
                tidied += forgotten
                if len(sessions) < ROUND or not forgotten:
                    break
            with self.unit_of_work.transaction() as transaction:
                transaction.upload_sessions.remove_tidied(self.clock.now() - TIDIED_KEPT)
        return tidied

    def forget_records(self) -> int:
        """Delete expired reactions, webhook events and idempotency keys.

        Returns the number of rows. A deleted reaction is inserted again if it is required again, and the log, not the
        inbox, prevents an event from being recorded twice. Both are kept longer than providers retry and than
        reconciliation looks back.
        """
        before = self.clock.now() - self.policy.retention.records
        forgotten, is_more = 0, True
        while is_more:
            with self.unit_of_work.transaction() as transaction:
                work = transaction.reactions.forget_closed(before, RECORDS)
                messages = transaction.webhook_inbox.forget(before, RECORDS)
                keys = transaction.idempotency_keys.forget(self.clock.now(), RECORDS)
            forgotten += work + messages + keys
            is_more = RECORDS in {work, messages, keys}
        return forgotten

    def _expire(self) -> list[UploadSessionId]:
        now = self.clock.now()
        with self.unit_of_work.transaction() as transaction:
            return transaction.upload_sessions.expire_stale(
                now - self.policy.retention.uploads, now - self.policy.payments.checkout_lifetime, ROUND
            )

    def _forget(self, session_id: UploadSessionId) -> None:
        # Everything under the session's prefix, also uploads that a crash left unrecorded.
        self.storage.purge(uploads_of(session_id))
        with self.unit_of_work.transaction() as transaction:
            transaction.upload_sessions.forget_temp_objects(session_id, self.clock.now())
