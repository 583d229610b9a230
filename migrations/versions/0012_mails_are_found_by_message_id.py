"""E-mails are found by the message id that their provider returned."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("CREATE INDEX email_queue_message ON email_queue (message_id)")


def downgrade() -> None:
    op.execute("DROP INDEX email_queue_message")
