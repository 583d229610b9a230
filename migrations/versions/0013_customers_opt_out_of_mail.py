"""Customers can opt out of mail, by a spam report or by unsubscribing."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE email_queue ADD COLUMN opt_out text;
        CREATE INDEX email_queue_opted_out ON email_queue (order_id) WHERE opt_out IS NOT NULL;
        """
    )


def downgrade() -> None:
    op.execute("ALTER TABLE email_queue DROP COLUMN opt_out")
