"""Customers can be erased: their row stays, without personal data."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE customers
            ALTER COLUMN email DROP NOT NULL,
            ADD COLUMN erased_at timestamptz,
            ADD CONSTRAINT customers_are_known_or_erased CHECK (
                CASE WHEN erased_at IS NULL THEN email IS NOT NULL ELSE num_nonnulls(email, name, locale) = 0 END
            );

        CREATE TABLE erasures (
            erasure_id uuid PRIMARY KEY,
            customer_id uuid NOT NULL UNIQUE REFERENCES customers,
            actor text NOT NULL,
            reason text NOT NULL,
            erased_at timestamptz NOT NULL
        );

        CREATE INDEX orders_with_photos ON orders (order_id) WHERE NOT photos_are_purged;
        """
    )


def downgrade() -> None:
    op.execute(
        """
        DROP INDEX orders_with_photos;
        DROP TABLE erasures;
        ALTER TABLE customers DROP CONSTRAINT customers_are_known_or_erased;
        UPDATE customers SET email = customer_id || '@erased.invalid' WHERE email IS NULL;
        ALTER TABLE customers
            ALTER COLUMN email SET NOT NULL,
            DROP COLUMN erased_at;
        """
    )
