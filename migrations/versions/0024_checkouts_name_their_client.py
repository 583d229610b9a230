"""Checkouts name their client, for the evidence of a payment.

Recorded are the network, the device and the browser, as for downloads; no address and no user agent.
"""

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.execute("ALTER TABLE upload_sessions ADD COLUMN client jsonb")


def downgrade() -> None:
    op.execute("ALTER TABLE upload_sessions DROP COLUMN client")
