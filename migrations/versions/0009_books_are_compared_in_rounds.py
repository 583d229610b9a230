"""Reconciliation runs are recorded: their time, findings and repairs."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE reconciliations (
            began_at timestamptz PRIMARY KEY,
            ended_at timestamptz,
            findings integer,
            healed integer
        );
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE reconciliations")
