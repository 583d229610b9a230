"""Every repository, for processes that run for long.

They import all of them at the start, so that the first request does not wait for it.
"""

from adapters.postgres import (
    backup_runs,
    customers,
    event_store,
    idempotency_keys,
    log_recovery,
    notes,
    order_queries,
    owner_letters,
    personal_data,
    points_balances,
    prediction_limiter,
    reactions,
    reconciliation_queries,
    reconciliation_rounds,
    resumable_uploads,
    unmatched_payments,
    upload_sessions,
    usage_totals,
    webhook_inbox,
)

__all__ = [
    "backup_runs",
    "customers",
    "event_store",
    "idempotency_keys",
    "log_recovery",
    "notes",
    "order_queries",
    "owner_letters",
    "personal_data",
    "points_balances",
    "prediction_limiter",
    "reactions",
    "reconciliation_queries",
    "reconciliation_rounds",
    "resumable_uploads",
    "unmatched_payments",
    "upload_sessions",
    "usage_totals",
    "webhook_inbox",
]
