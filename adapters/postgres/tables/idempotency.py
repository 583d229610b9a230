"""Idempotency keys, as checksums, and the responses to repeat."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from adapters.postgres.tables.columns import metadata, moment

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key_sha256", Text, CheckConstraint("length(key_sha256) = 64"), primary_key=True),
    Column("request_sha256", Text, CheckConstraint("length(request_sha256) = 64"), nullable=False),
    moment("reserved_at", nullable=False),
    moment("expires_at", nullable=False),
    Column("status", Integer),
    Column("headers", JSONB),
    Column("body", LargeBinary),
    CheckConstraint(
        "num_nonnulls(status, headers, body) IN (0, 3)", name="idempotency_keys_response_is_whole"
    ),
)
Index("idempotency_keys_expiry", idempotency_keys.c.expires_at)
