"""Money without an order is refunded or matched.

Webhook events that conflict with an earlier one of the same id are quarantined.
"""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE webhook_conflicts (
            source text NOT NULL,
            event_id text NOT NULL,
            body_sha256 text NOT NULL,
            event_type text NOT NULL,
            received_at timestamptz NOT NULL,
            PRIMARY KEY (source, event_id, body_sha256)
        );

        ALTER TABLE unmatched_payments
            DROP CONSTRAINT unmatched_payments_status_check,
            ADD CONSTRAINT unmatched_payments_status_check
                CHECK (status IN ('open', 'refunding', 'refunded', 'matched')),
            ADD COLUMN upload_session_id uuid,
            ADD COLUMN returned jsonb NOT NULL DEFAULT '{}',
            ADD COLUMN attempt integer NOT NULL DEFAULT 1,
            ADD COLUMN asked_at timestamptz,
            ADD COLUMN retry_at timestamptz,
            ADD COLUMN problem text,
            ADD COLUMN actor text,
            ADD COLUMN note text,
            ADD COLUMN decided_at timestamptz,
            ADD COLUMN matched_session_id uuid;
        CREATE INDEX unmatched_payments_intent ON unmatched_payments (payment_intent_id);
        CREATE INDEX unmatched_payments_unsettled ON unmatched_payments (received_at)
            WHERE status IN ('open', 'refunding');
        """
    )


def downgrade() -> None:
    op.execute(
        """
        DROP INDEX unmatched_payments_unsettled, unmatched_payments_intent;
        UPDATE unmatched_payments SET status = 'open' WHERE status = 'refunding';
        ALTER TABLE unmatched_payments
            DROP CONSTRAINT unmatched_payments_status_check,
            ADD CONSTRAINT unmatched_payments_status_check
                CHECK (status IN ('open', 'refunded', 'matched')),
            DROP COLUMN upload_session_id,
            DROP COLUMN returned,
            DROP COLUMN attempt,
            DROP COLUMN asked_at,
            DROP COLUMN retry_at,
            DROP COLUMN problem,
            DROP COLUMN actor,
            DROP COLUMN note,
            DROP COLUMN decided_at,
            DROP COLUMN matched_session_id;
        DROP TABLE webhook_conflicts;
        """
    )
