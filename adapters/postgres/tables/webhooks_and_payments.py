"""Webhook inbox, unmatched payments, and reconciliation runs."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from adapters.postgres.tables.columns import metadata, moment, touched

webhook_inbox = Table(
    "webhook_inbox",
    metadata,
    Column("source", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("event_type", Text, nullable=False),
    Column("body_sha256", Text, nullable=False),
    moment("received_at", nullable=False),
)

Index("webhook_inbox_received_at", webhook_inbox.c.received_at)

#: Without the body, which may contain anything.
webhook_conflicts = Table(
    "webhook_conflicts",
    metadata,
    Column("source", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("body_sha256", Text, primary_key=True),
    Column("event_type", Text, nullable=False),
    moment("received_at", nullable=False),
)

unmatched_payments = Table(
    "unmatched_payments",
    metadata,
    Column("checkout_session_id", Text, primary_key=True),
    Column("upload_session_id", Uuid),
    Column("payment_intent_id", Text),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column(
        "status",
        Text,
        CheckConstraint("status IN ('open', 'refunding', 'refunded', 'matched')"),
        nullable=False,
        server_default="open",
    ),
    Column("returned", JSONB, nullable=False, server_default="{}"),
    Column("attempt", Integer, nullable=False, server_default="1"),
    moment("asked_at"),
    moment("retry_at"),
    Column("problem", Text),
    Column("actor", Text),
    Column("note", Text),
    moment("decided_at"),
    Column("matched_session_id", Uuid),
    Column("is_held", Boolean, nullable=False, server_default="false"),
    moment("received_at", nullable=False),
    touched(),
)
Index("unmatched_payments_intent", unmatched_payments.c.payment_intent_id)
Index(
    "unmatched_payments_unsettled",
    unmatched_payments.c.received_at,
    postgresql_where=text("status IN ('open', 'refunding')"),
)

reconciliations = Table(
    "reconciliations",
    metadata,
    moment("began_at", nullable=False, primary_key=True),
    moment("ended_at"),
    Column("findings", Integer),
    Column("healed", Integer),
    moment("since"),
    Column("late_sides", ARRAY(Text)),
    Column("is_flawed", Boolean, nullable=False, server_default=text("false")),
)
