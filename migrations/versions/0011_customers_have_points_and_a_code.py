"""Customers have a referral code and points.

A checkout records whose points it is about to spend.
"""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE customers ADD COLUMN referral_code text;
        -- Eight of Crockford's letters and digits, drawn anew for each row because the drawing looks at the row.
        UPDATE customers SET referral_code = (
            SELECT string_agg(
                substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + floor(random() * 32)::integer, 1), ''
            )
            FROM generate_series(1, 8) WHERE customers.customer_id IS NOT NULL
        ) WHERE erased_at IS NULL;
        ALTER TABLE customers
            ADD CONSTRAINT customers_referral_code_key UNIQUE (referral_code),
            DROP CONSTRAINT customers_are_known_or_erased,
            ADD CONSTRAINT customers_are_known_or_erased CHECK (
                CASE WHEN erased_at IS NULL THEN num_nonnulls(email, referral_code) = 2
                ELSE num_nonnulls(email, name, locale, referral_code) = 0 END
            );

        ALTER TABLE upload_sessions
            ADD COLUMN referrer_id uuid,
            ADD COLUMN points_customer_id uuid,
            ADD COLUMN points integer CHECK (points > 0),
            ADD COLUMN points_discount_amount bigint CHECK (points_discount_amount > 0),
            ADD CONSTRAINT upload_sessions_spending_is_whole CHECK (
                num_nonnulls(points_customer_id, points, points_discount_amount) IN (0, 3)
            );
        CREATE INDEX upload_sessions_spending ON upload_sessions (points_customer_id)
            WHERE status IN ('checkout', 'pending');

        CREATE TABLE points (
            order_id uuid NOT NULL REFERENCES orders ON DELETE CASCADE,
            sequence integer NOT NULL,
            customer_id uuid NOT NULL,
            points integer NOT NULL,
            reason text NOT NULL,
            PRIMARY KEY (order_id, sequence)
        );
        CREATE INDEX points_customer ON points (customer_id);
        """
    )


def downgrade() -> None:
    op.execute(
        """
        DROP TABLE points;
        DROP INDEX upload_sessions_spending;
        ALTER TABLE upload_sessions
            DROP COLUMN points_discount_amount,
            DROP COLUMN points,
            DROP COLUMN points_customer_id,
            DROP COLUMN referrer_id;
        ALTER TABLE customers
            DROP COLUMN referral_code,
            ADD CONSTRAINT customers_are_known_or_erased CHECK (
                CASE WHEN erased_at IS NULL THEN email IS NOT NULL ELSE num_nonnulls(email, name, locale) = 0 END
            );
        """
    )
