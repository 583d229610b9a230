"""Every metric of the shop: name, kind, unit, labels and meaning.

Names follow Prometheus's conventions. docs/metrics.md and the dashboard are generated from this list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A metric's type in Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Source(StrEnum):
    """Where a metric's values come from."""

    PROCESS = "process"  # of each API or worker process: add them up
    DATABASE = "database"  # the same from each process: take the maximum


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric; a counter's name ends in ``_total``.

    ``labels`` have few values each: kinds, states and templates of paths, never ids.
    """

    name: str
    kind: Kind
    unit: str
    help: str
    labels: Sequence[str] = ()
    source: Source = Source.PROCESS
    buckets: Sequence[float] = ()


#: Requests: 5 ms to 30 s, with the limit of the objective for webhooks, 0.5 s.
_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
#: Reactions and predictions: 50 ms to the longest time limit.
_WORK_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1800, 7200)


def _database(name: str, unit: str, help_text: str, *labels: str) -> Metric:
    return Metric(
        name=f"restoreclick_{name}",
        kind=Kind.GAUGE,
        unit=unit,
        labels=labels,
        help=help_text,
        source=Source.DATABASE,
    )


def _counter(name: str, help_text: str, *labels: str, unit: str = "") -> Metric:
    return Metric(
        name=f"restoreclick_{name}_total", kind=Kind.COUNTER, unit=unit, labels=labels, help=help_text
    )


def _gauge(name: str, unit: str, help_text: str, *labels: str) -> Metric:
    return Metric(name=f"restoreclick_{name}", kind=Kind.GAUGE, unit=unit, labels=labels, help=help_text)


def _histogram(name: str, buckets: Sequence[float], help_text: str, *labels: str) -> Metric:
    return Metric(
        name=f"restoreclick_{name}_seconds",
        kind=Kind.HISTOGRAM,
        unit="seconds",
        labels=labels,
        help=help_text,
        buckets=buckets,
    )


# Work, by queue.
QUEUE_DEPTH = _database("queue_depth", "reactions", "Reactions that are due and wait for a worker.", "queue")
QUEUE_SCHEDULED = _database("queue_scheduled", "reactions", "Reactions that are due later.", "queue")
QUEUE_IN_FLIGHT = _database("queue_in_flight", "reactions", "Reactions that a worker performs.", "queue")
QUEUE_FAILING = _database(
    "queue_failing", "reactions", "Open reactions whose last attempt failed; they are retried.", "queue"
)
QUEUE_OLDEST = _database(
    "queue_oldest_age_seconds", "seconds", "How long the oldest waiting reaction has been due.", "queue"
)
WORK_OLDEST = _database(
    "work_oldest_age_seconds", "seconds", "How long ago the longest running reaction was claimed.", "queue"
)
ERROR_RATIO = _database(
    "error_ratio",
    "ratio",
    "Share of the last hour's reactions that were given up or are failing; 0 with fewer than ten reactions.",
)
# Orders and money.
ORDERS = _database("orders", "orders", "Orders by state.", "state")
ORDERS_HELD = _database("orders_held", "orders", "Orders on hold, by reason.", "reason")
ATTENTION = _database(
    "attention_items",
    "items",
    "What waits for staff, by kind, as `restoreclick orders attention` lists it, but of broken streams only those of "
    "open orders; read every five minutes, and absent when it is 50 minutes old.",
    "kind",
)
PHOTOS = _database("photos", "photos", "Photos of all orders: paid, restored, failed.", "status")
MONEY = _database(
    "money",
    "minor units",
    "Money by currency: received, refunded, owed (refunds not accepted by Stripe), unmatched (payments without order).",
    "currency",
    "what",
)
OWED_OLDEST = _database(
    "refund_oldest_owed_age_seconds", "seconds", "How long the oldest refund has been owed; 0 without any."
)
DISPUTES_OPEN = _database("disputes_open", "disputes", "Open disputes and inquiries.", "kind")
DISPUTE_DUE = _database(
    "dispute_due_seconds",
    "seconds",
    "Time until the next response to a dispute is due, negative if it is late; absent without any.",
)
EMAILS = _database("emails", "e-mails", "E-mails by kind and outcome.", "kind", "outcome")
# Log and storage.
LOG_POSITION = _database("log_head_position", "position", "Position of the newest event in the log.")
LOG_AGE = _database("log_head_age_seconds", "seconds", "How long ago the newest event was recorded.")
LOG_UNREAD = _database(
    "log_reader_lag_events", "events", "Committed events that readers in commit order cannot see yet."
)
LOG_UNREAD_AGE = _database(
    "log_reader_lag_seconds", "seconds", "How long the oldest of these events has been committed."
)
HEAD_LAG = _database(
    "log_head_unprotected_seconds",
    "seconds",
    "How long the oldest event has been missing from the head that the storage keeps.",
)
BEHIND_LOG = _database(
    "database_behind_log", "", "Whether the database lacks an event that the storage knows of: 1 or 0."
)
DATABASE_FULL = _database(
    "database_full", "", "Whether the database's disk has no room for another 16 MiB: 1 or 0."
)
STORAGE_DOWN = _database(
    "storage_unavailable", "", "Whether the storage does not serve the shop, or takes no objects: 1 or 0."
)
QUEUE_DOWN = _database("queue_unavailable", "", "Whether Redis takes no messages: 1 or 0.")
STORAGE_USED = _database("storage_used_bytes", "bytes", "Photos, results and archives in the storage.")
STORAGE_RATIO = _database(
    "storage_used_ratio", "ratio", "Share of STORAGE_LIMIT_GIBIBYTES that is used; absent without that limit."
)
BACKUP_AGE = _database(
    "backup_age_seconds",
    "seconds",
    "How old the newest backup is, or the log without one; absent without backups.",
)
BACKUP_OVERDUE = _database(
    "backup_overdue_seconds",
    "seconds",
    "How long ago the next backup was due, negative before; absent likewise.",
)
BACKUP_SIZE = _database("backup_size_bytes", "bytes", "Size of the newest backup.")
UNARCHIVED = _database(
    "backup_unarchived_seconds",
    "seconds",
    "How long the oldest event has been missing from the archived write-ahead log, or the oldest file has waited in "
    "BACKUP_WAL_DIRECTORY: what a lost disk would cost; absent where PostgreSQL archives no log.",
)
LOG_NOT_ARCHIVED = _database(
    "backup_log_not_archived",
    "",
    "Whether PostgreSQL archives no log though BACKUP_KIND is physical: 1 or 0; absent with other backups or none.",
)
DRILL_AGE = _database(
    "backup_drill_age_seconds", "seconds", "How long ago the newest restore drill began that was tried."
)
DRILL_OVERDUE = _database(
    "backup_drill_overdue_seconds",
    "seconds",
    "How much older than two intervals the newest restore drill is, negative before; absent without drills.",
)
DRILL_FAILED = _database(
    "backup_drill_failed", "", "Whether the newest restore drill found its backup wanting: 1 or 0."
)
DRILL_NOT_TRIED = _database(
    "backup_drill_not_tried",
    "",
    "Whether the newest restore drill could not be tried, as without the storage or the key: 1 or 0.",
)
RECONCILED_AGE = _database(
    "reconciled_age_seconds",
    "seconds",
    "How long ago the last reconciliation ended; absent before the first.",
)
SCHEMA = _database("schema_info", "", "The database's schema; the value is 1.", "revision")
FACTS_UP = _gauge("facts_up", "", "Whether the figures of the database could be read: 1 or 0.")
# HTTP.
HTTP_SECONDS = _histogram(
    "http_request_duration", _REQUEST_BUCKETS, "Duration of requests.", "method", "path", "status"
)
HTTP_REFUSALS = _counter(
    "http_refusals", "Refused requests, by the kind of problem.", "path", "problem", unit="requests"
)
WEBHOOK_SECONDS = _histogram("webhook_duration", _REQUEST_BUCKETS, "Duration of webhooks.", "provider")
WEBHOOKS = _counter(
    "webhooks",
    "Webhooks by verdict: accepted, refused (forged, malformed), failed (sent again), or why nothing was recorded.",
    "provider",
    "verdict",
    unit="webhooks",
)
UPLOADS = _counter(
    "uploads",
    "Uploads by outcome: photo stored, form received, piece of a photo received, or why not.",
    "outcome",
    unit="uploads",
)
# Reactions.
REACTION_SECONDS = _histogram(
    "reaction_duration", _WORK_BUCKETS, "Duration of attempts at reactions.", "kind", "outcome"
)
REACTION_ATTEMPTS = Metric(
    name="restoreclick_reaction_attempts",
    kind=Kind.HISTOGRAM,
    unit="attempts",
    labels=("kind",),
    help="Attempts that finished reactions took.",
    buckets=(1, 2, 3, 5, 10, 24),
)
LEASES_LOST = _counter("leases_lost", "Results discarded because the lease had ended.", unit="reactions")
OVERRUNS = _counter(
    "call_overruns", "Calls that exceeded the time limit of their kind.", "kind", unit="calls"
)
EVENTS = _counter("events", "Events that this process recorded.", "event", unit="events")
CONFLICTS = _counter("commit_conflicts", "Commands decided again after a version conflict.", unit="commits")
# Providers.
PROVIDER_SECONDS = _histogram(
    "provider_call_duration", _WORK_BUCKETS, "Duration of calls to providers.", "provider", "call"
)
PROVIDER_ERRORS = _counter(
    "provider_call_errors", "Failed calls to providers.", "provider", "call", "error", unit="calls"
)
PREDICTIONS_STARTED = _counter("predictions_started", "Predictions started.", "model", unit="predictions")
PREDICTIONS_ENDED = _counter(
    "predictions_ended",
    "Predictions whose end was collected, by outcome; cancelled ones that no order waits for are not.",
    "model",
    "outcome",
    unit="predictions",
)
PREDICTION_SECONDS = _counter(
    "prediction_run_seconds", "Time for which the restorer ran predictions.", "model", unit="seconds"
)
PREDICTION_COST = _counter(
    "prediction_cost_dollars",
    "Cost of predictions that succeeded, by REPLICATE_COST_PER_PREDICTION.",
    "model",
    unit="US dollars",
)
FAILOVERS = _counter(
    "prediction_failovers",
    "Predictions started with the second model or input, or to enlarge a result.",
    "model",
    unit="predictions",
)
# The process.
POOL_SIZE = _gauge("database_pool_size", "connections", "Connections that the pool may have.")
POOL_IN_USE = _gauge("database_pool_in_use", "connections", "Connections of the pool in use.")
BUILD = _gauge("build_info", "", "The program's version; the value is 1.", "version")

METRICS: tuple[Metric, ...] = tuple(value for value in globals().values() if isinstance(value, Metric))
