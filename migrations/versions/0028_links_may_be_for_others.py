"""Links may be for others: customers make one for family and friends.

It shows and saves photos; no reminder is sent for it.
"""

from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.execute("ALTER TABLE download_links ADD COLUMN is_shared boolean NOT NULL DEFAULT false")


def downgrade() -> None:
    op.execute("ALTER TABLE download_links DROP COLUMN is_shared")
