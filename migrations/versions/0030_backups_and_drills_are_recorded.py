"""Backups and restore drills are recorded, with their end or problem.

Workers take turns by these rows, and metrics show the age of the newest ones.
"""

from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE backup_runs (
            kind text NOT NULL CHECK (kind IN ('backup', 'drill')),
            began_at timestamptz NOT NULL,
            ended_at timestamptz,
            backup_id text,
            size_bytes bigint,
            problem text,
            PRIMARY KEY (kind, began_at)
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE backup_runs")
