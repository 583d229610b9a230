"""A payment without an order can be held: only staff refund it."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE unmatched_payments ADD COLUMN is_held boolean NOT NULL DEFAULT false;
        -- Before payments were sealed, a payment of another shop on the account was set aside like one of ours.
        UPDATE unmatched_payments SET is_held = true
        WHERE status = 'open' AND actor IS NULL AND upload_session_id IS NOT NULL
            AND NOT EXISTS (
                SELECT FROM upload_sessions WHERE session_id = unmatched_payments.upload_session_id
            );
        """
    )


def downgrade() -> None:
    op.execute("ALTER TABLE unmatched_payments DROP COLUMN is_held")
