"""The schema in SQLAlchemy; a test compares it with the migrations."""

from adapters.postgres.tables.backups import backup_runs
from adapters.postgres.tables.columns import Xid8, metadata
from adapters.postgres.tables.customers import (
    customers,
    erasures,
    file_uploads,
    notes,
    resumable_uploads,
    upload_sessions,
)
from adapters.postgres.tables.events import events, order_numbers, order_snapshots
from adapters.postgres.tables.idempotency import idempotency_keys
from adapters.postgres.tables.owner_letters import owner_letters
from adapters.postgres.tables.reactions import admission_pause, admissions, reactions, schema_compatibility
from adapters.postgres.tables.read_models import (
    READ_MODELS,
    download_links,
    email_queue,
    images,
    orders,
    points,
    restoration_jobs,
)
from adapters.postgres.tables.usage import usage_totals
from adapters.postgres.tables.webhooks_and_payments import (
    reconciliations,
    unmatched_payments,
    webhook_conflicts,
    webhook_inbox,
)

__all__ = [
    "READ_MODELS",
    "Xid8",
    "admission_pause",
    "admissions",
    "backup_runs",
    "customers",
    "download_links",
    "email_queue",
    "erasures",
    "events",
    "file_uploads",
    "idempotency_keys",
    "images",
    "metadata",
    "notes",
    "order_numbers",
    "order_snapshots",
    "orders",
    "owner_letters",
    "points",
    "reactions",
    "reconciliations",
    "restoration_jobs",
    "resumable_uploads",
    "schema_compatibility",
    "unmatched_payments",
    "upload_sessions",
    "usage_totals",
    "webhook_conflicts",
    "webhook_inbox",
]
