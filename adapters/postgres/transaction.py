"""The repositories of one transaction.

Each is imported when it is first used: a command needs few, and they take longer to import than to query.
"""
# ruff: noqa: PLC0415 -- see above

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:
    from adapters.postgres.backup_runs import PostgresBackupRuns
    from adapters.postgres.customers import PostgresCustomers
    from adapters.postgres.event_codec import Codec
    from adapters.postgres.event_store import PostgresEventStore
    from adapters.postgres.idempotency_keys import PostgresIdempotencyKeys
    from adapters.postgres.log_recovery import PostgresLogRecovery
    from adapters.postgres.notes import PostgresNotes
    from adapters.postgres.order_queries import PostgresOrderQueries
    from adapters.postgres.owner_letters import PostgresOwnerLetters
    from adapters.postgres.personal_data import PostgresPersonalData
    from adapters.postgres.points_balances import PostgresPointsBalances
    from adapters.postgres.prediction_limiter import PostgresPredictionSlots
    from adapters.postgres.reactions import PostgresReactionTable
    from adapters.postgres.recent_orders import RecentOrders
    from adapters.postgres.reconciliation_queries import PostgresReconciliationQueries
    from adapters.postgres.reconciliation_rounds import PostgresReconciliationRounds
    from adapters.postgres.resumable_uploads import PostgresResumableUploads
    from adapters.postgres.unmatched_payments import PostgresUnmatchedPayments
    from adapters.postgres.upload_sessions import PostgresUploadSessions
    from adapters.postgres.usage_totals import PostgresUsageTotals
    from adapters.postgres.webhook_inbox import PostgresWebhookInbox


class PostgresTransaction:
    """All repositories of one transaction, on one connection."""

    def __init__(
        self, connection: Connection, codec: Callable[[], Codec], recent_orders: RecentOrders
    ) -> None:
        self._connection = connection
        self._codec = codec
        self._recent_orders = recent_orders

    @cached_property
    def upload_sessions(self) -> PostgresUploadSessions:
        from adapters.postgres.upload_sessions import PostgresUploadSessions

        return PostgresUploadSessions(self._connection)

    @cached_property
    def resumable_uploads(self) -> PostgresResumableUploads:
        from adapters.postgres.resumable_uploads import PostgresResumableUploads

        return PostgresResumableUploads(self._connection)

    @cached_property
    def idempotency_keys(self) -> PostgresIdempotencyKeys:
        from adapters.postgres.idempotency_keys import PostgresIdempotencyKeys

        return PostgresIdempotencyKeys(self._connection)

    @cached_property
    def customers(self) -> PostgresCustomers:
        from adapters.postgres.customers import PostgresCustomers

        return PostgresCustomers(self._connection)

    @cached_property
    def personal_data(self) -> PostgresPersonalData:
        from adapters.postgres.personal_data import PostgresPersonalData

        return PostgresPersonalData(self._connection)

    @cached_property
    def points_balances(self) -> PostgresPointsBalances:
        from adapters.postgres.points_balances import PostgresPointsBalances

        return PostgresPointsBalances(self._connection)

    @cached_property
    def webhook_inbox(self) -> PostgresWebhookInbox:
        from adapters.postgres.webhook_inbox import PostgresWebhookInbox

        return PostgresWebhookInbox(self._connection)

    @cached_property
    def unmatched_payments(self) -> PostgresUnmatchedPayments:
        from adapters.postgres.unmatched_payments import PostgresUnmatchedPayments

        return PostgresUnmatchedPayments(self._connection)

    @cached_property
    def reactions(self) -> PostgresReactionTable:
        from adapters.postgres.reactions import PostgresReactionTable

        return PostgresReactionTable(self._connection)

    @cached_property
    def prediction_slots(self) -> PostgresPredictionSlots:
        from adapters.postgres.prediction_limiter import PostgresPredictionSlots

        return PostgresPredictionSlots(self._connection)

    @cached_property
    def event_store(self) -> PostgresEventStore:
        from adapters.postgres.event_store import PostgresEventStore

        return PostgresEventStore(self._connection, self._codec(), self._recent_orders)

    @cached_property
    def order_queries(self) -> PostgresOrderQueries:
        from adapters.postgres.order_queries import PostgresOrderQueries

        return PostgresOrderQueries(self._connection)

    @cached_property
    def reconciliation_queries(self) -> PostgresReconciliationQueries:
        from adapters.postgres.reconciliation_queries import PostgresReconciliationQueries

        return PostgresReconciliationQueries(self._connection, self._codec())

    @cached_property
    def reconciliation_rounds(self) -> PostgresReconciliationRounds:
        from adapters.postgres.reconciliation_rounds import PostgresReconciliationRounds

        return PostgresReconciliationRounds(self._connection)

    @cached_property
    def log_recovery(self) -> PostgresLogRecovery:
        from adapters.postgres.log_recovery import PostgresLogRecovery

        return PostgresLogRecovery(self._connection)

    @cached_property
    def backup_runs(self) -> PostgresBackupRuns:
        from adapters.postgres.backup_runs import PostgresBackupRuns

        return PostgresBackupRuns(self._connection)

    @cached_property
    def notes(self) -> PostgresNotes:
        from adapters.postgres.notes import PostgresNotes

        return PostgresNotes(self._connection)

    @cached_property
    def owner_letters(self) -> PostgresOwnerLetters:
        from adapters.postgres.owner_letters import PostgresOwnerLetters

        return PostgresOwnerLetters(self._connection)

    @cached_property
    def usage_totals(self) -> PostgresUsageTotals:
        from adapters.postgres.usage_totals import PostgresUsageTotals

        return PostgresUsageTotals(self._connection)
