"""Reactions, and the slots of predictions."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from adapters.postgres.tables.columns import created, metadata, moment, touched

reactions = Table(
    "reactions",
    metadata,
    Column("reaction_id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("arguments", JSONB, nullable=False),
    Column(
        "status",
        Text,
        CheckConstraint("status IN ('pending', 'leased', 'done', 'dropped', 'failed')"),
        nullable=False,
        server_default="pending",
    ),
    moment("first_due_at", nullable=False),
    moment("due_at", nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease_token", Uuid),
    moment("leased_until"),
    moment("sent_at"),
    Column("sendings", Integer, nullable=False, server_default="0"),
    Column("problem", Text),
    created(),
    touched(),
    moment("admitted_at"),
    Column("arguments_version", Integer, nullable=False, server_default="1"),
    CheckConstraint(
        "(status = 'leased') = (lease_token IS NOT NULL AND leased_until IS NOT NULL)",
        name="reactions_lease_is_whole",
    ),
)
Index("reactions_order", reactions.c.order_id)
Index(
    "reactions_waiting_starts",
    reactions.c.due_at,
    reactions.c.reaction_id,
    postgresql_where=text(
        "kind = 'RestoreImage' AND admitted_at IS NULL AND status IN ('pending', 'leased')"
    ),
)
Index(
    "reactions_closed",
    reactions.c.due_at,
    postgresql_where=text("status IN ('done', 'dropped', 'failed')"),
)
Index("reactions_open", reactions.c.due_at, postgresql_where=text("status IN ('pending', 'leased')"))
Index(
    "reactions_admitted",
    reactions.c.order_id,
    postgresql_where=text("admitted_at IS NOT NULL AND status IN ('pending', 'leased')"),
)
Index(
    "reactions_open_kinds",
    reactions.c.kind,
    reactions.c.order_id,
    postgresql_where=text("status IN ('pending', 'leased')"),
)
Index(
    "reactions_lease",
    reactions.c.lease_token,
    unique=True,
    postgresql_where=text("status = 'leased'"),
)

admissions = Table(
    "admissions",
    metadata,
    Column("admission_id", BigInteger, Identity(always=True), primary_key=True),
    Column("reaction_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    moment("admitted_at", nullable=False),
)

admission_pause = Table(
    "admission_pause",
    metadata,
    Column(
        "is_only_row", Boolean, CheckConstraint("is_only_row"), primary_key=True, server_default=text("true")
    ),
    moment("paused_until", nullable=False),
)

schema_compatibility = Table(
    "schema_compatibility",
    metadata,
    Column(
        "is_only_row", Boolean, CheckConstraint("is_only_row"), primary_key=True, server_default=text("true")
    ),
    Column("oldest_program", Text, nullable=False),
)
