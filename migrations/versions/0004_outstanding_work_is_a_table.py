"""Outstanding work is a table: reactions with leases.

The webhook inbox and unmatched payments are tables as well.
"""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE reactions (
            reaction_id uuid PRIMARY KEY,
            order_id uuid NOT NULL,
            kind text NOT NULL,
            arguments jsonb NOT NULL,
            status text NOT NULL DEFAULT 'pending'
                CHECK (status IN ('pending', 'leased', 'done', 'dropped', 'failed')),
            first_due_at timestamptz NOT NULL,
            due_at timestamptz NOT NULL,
            attempts integer NOT NULL DEFAULT 0,
            lease_token uuid,
            leased_until timestamptz,
            sent_at timestamptz,
            sendings integer NOT NULL DEFAULT 0,
            problem text,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT reactions_lease_is_whole
                CHECK ((status = 'leased') = (lease_token IS NOT NULL AND leased_until IS NOT NULL))
        );
        CREATE INDEX reactions_order ON reactions (order_id);
        CREATE INDEX reactions_open ON reactions (due_at) WHERE status IN ('pending', 'leased');
        CREATE UNIQUE INDEX reactions_lease ON reactions (lease_token) WHERE status = 'leased';
        CREATE TRIGGER reactions_updated_at BEFORE UPDATE ON reactions
            FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

        CREATE TABLE webhook_inbox (
            source text NOT NULL,
            event_id text NOT NULL,
            event_type text NOT NULL,
            body_sha256 text NOT NULL,
            received_at timestamptz NOT NULL,
            PRIMARY KEY (source, event_id)
        );

        CREATE TABLE unmatched_payments (
            checkout_session_id text PRIMARY KEY,
            payment_intent_id text,
            amount bigint NOT NULL,
            currency text NOT NULL,
            reason text NOT NULL,
            status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'refunded', 'matched')),
            received_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE TRIGGER unmatched_payments_updated_at BEFORE UPDATE ON unmatched_payments
            FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE unmatched_payments, webhook_inbox, reactions")
