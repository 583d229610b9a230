"""Usage totals, without any data about the clients."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Table, Text

from adapters.postgres.tables.columns import metadata, moment

usage_totals = Table(
    "usage_totals",
    metadata,
    Column("name", Text, primary_key=True),
    moment("window_started_at", nullable=False, primary_key=True),
    Column("amount", BigInteger, CheckConstraint("amount > 0"), nullable=False),
)
