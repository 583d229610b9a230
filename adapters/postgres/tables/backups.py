"""Runs of backups and restore drills."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Table, Text

from adapters.postgres.tables.columns import metadata, moment

backup_runs = Table(
    "backup_runs",
    metadata,
    Column("kind", Text, CheckConstraint("kind IN ('backup', 'drill')"), primary_key=True),
    moment("began_at", nullable=False, primary_key=True),
    moment("ended_at"),
    Column("backup_id", Text),
    Column("size_bytes", BigInteger),
    Column("problem", Text),
)
