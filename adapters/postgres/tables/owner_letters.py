"""Letters to the shop's owner."""

from sqlalchemy import CheckConstraint, Column, Table, Text

from adapters.postgres.tables.columns import metadata, moment

owner_letters = Table(
    "owner_letters",
    metadata,
    Column("subject", Text, primary_key=True),
    moment("claimed_at", nullable=False),
    moment("seen_at", nullable=False),
    Column(
        "status",
        Text,
        CheckConstraint("status IN ('claimed', 'sent', 'unconfirmed', 'refused')"),
        nullable=False,
        server_default="claimed",
    ),
)
