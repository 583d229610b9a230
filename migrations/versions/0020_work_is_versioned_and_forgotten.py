"""Reactions have the version of their arguments.

The indexes for their deletion are built in 0021.
"""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.execute("ALTER TABLE reactions ADD COLUMN arguments_version integer NOT NULL DEFAULT 1")


def downgrade() -> None:
    op.execute("ALTER TABLE reactions DROP COLUMN arguments_version")
