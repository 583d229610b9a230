"""The event log, its snapshots, and the counter of order numbers."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from adapters.postgres.tables.columns import Xid8, metadata, moment

events = Table(
    "events",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("txid", Xid8, nullable=False, server_default=func.pg_current_xact_id()),
    Column("event_id", Uuid, nullable=False, unique=True),
    Column("order_id", Uuid, nullable=False),
    Column("version", Integer, CheckConstraint("version > 0"), nullable=False),
    Column("name", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    moment("recorded_at", nullable=False),
    Column("cause", Text, nullable=False),
    Column("cause_key", Text, nullable=False),
    Column("correlation_id", Uuid, nullable=False),
    Column("actor", Text, nullable=False),
    Column("previous_sha256", Text, CheckConstraint("length(previous_sha256) = 64")),
    Column("sha256", Text, CheckConstraint("length(sha256) = 64"), nullable=False),
    UniqueConstraint("order_id", "version", name="events_order_id_version_key"),
    UniqueConstraint("order_id", "cause_key", name="events_order_id_cause_key_key"),
    CheckConstraint("(previous_sha256 IS NULL) = (version = 1)", name="events_chain_has_one_beginning"),
)
Index("events_commit_order", events.c.txid, events.c.position)
#: Rows are written in nearly chronological order, so a BRIN index of a few pages serves millions of rows.
Index("events_recorded_at", events.c.recorded_at, postgresql_using="brin")

#: Derived from the log: see ``order_snapshots``.
order_snapshots = Table(
    "order_snapshots",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("version", Integer, CheckConstraint("version > 0"), nullable=False),
    Column("made_by", Text, nullable=False),
    Column("state", LargeBinary, nullable=False),
)

order_numbers = Table(
    "order_numbers",
    metadata,
    Column("day", Date, primary_key=True),
    Column("last_number", Integer, CheckConstraint("last_number > 0"), nullable=False),
)
