"""Orders with unreadable events, which keep all their files."""

from collections.abc import Collection
from typing import Protocol

from domain.order.values import UploadSessionId
from domain.ports.unit_of_work import HasReconciliationQueries, HasUploadSessions


class UnreadableOrderRepositories(HasReconciliationQueries, HasUploadSessions, Protocol):
    """The repositories that show which orders cannot be read."""


def sessions_of_unreadable_orders(
    transaction: UnreadableOrderRepositories, session_ids: Collection[UploadSessionId]
) -> set[UploadSessionId]:
    """Return which of these sessions belong to an unreadable order."""
    found = (transaction.upload_sessions.find(session_id) for session_id in session_ids)
    orders = {session.order_id: session.session_id for session in found if session is not None}
    unreadable = transaction.reconciliation_queries.unreadable_events(list(orders)) if orders else []
    return {orders[event.order_id] for event in unreadable}
