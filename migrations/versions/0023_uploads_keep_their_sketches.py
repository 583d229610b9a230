"""Uploads keep the sketch that their inspection made.

Their results are compared with it, so that no original is fetched and decoded again for it. Uploads without one are
inspected again.
"""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.execute("ALTER TABLE file_uploads ADD COLUMN sketch bytea")


def downgrade() -> None:
    op.execute("ALTER TABLE file_uploads DROP COLUMN sketch")
