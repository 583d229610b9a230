"""Customers can opt out of e-mail, by spam report or unsubscribing."""

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
