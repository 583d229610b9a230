"""A reconciliation in bounded calls is resumed by any process.

``late_sides`` are the sides that the newest one still lacks; null once a process compares them.
"""

from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.execute(
        """ALTER TABLE reconciliations
            ADD COLUMN since timestamptz,
            ADD COLUMN late_sides text[],
            ADD COLUMN is_flawed boolean NOT NULL DEFAULT false"""
    )


def downgrade() -> None:
    op.execute("ALTER TABLE reconciliations DROP COLUMN since, DROP COLUMN late_sides, DROP COLUMN is_flawed")
