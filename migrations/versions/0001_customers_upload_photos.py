"""Customers upload photos: sessions, files, and customers unique by address.

Addresses are compared without regard to case.
"""

from alembic import op

revision = "0001"
down_revision = None

UPDATED_AT_TABLES = ("customers", "upload_sessions")


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.updated_at := now();
            RETURN NEW;
        END
        $$;

        CREATE TABLE customers (
            customer_id uuid PRIMARY KEY,
            email text NOT NULL,
            name text,
            locale text,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE UNIQUE INDEX customers_email_key ON customers (lower(email));

        CREATE TABLE upload_sessions (
            session_id uuid PRIMARY KEY,
            order_id uuid NOT NULL UNIQUE,
            status text NOT NULL CHECK (status IN ('open', 'checkout', 'pending', 'paid', 'expired')),
            opened_at timestamptz NOT NULL,
            checkout_attempt integer,
            checkout_session_id text UNIQUE,
            checkout_url text,
            checkout_reserved_at timestamptz,
            checkout_expires_at timestamptz,
            quoted_amount bigint CHECK (quoted_amount >= 0),
            quoted_currency text,
            temp_objects_deleted_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX upload_sessions_with_temp_objects ON upload_sessions (opened_at)
            WHERE temp_objects_deleted_at IS NULL;

        CREATE TABLE file_uploads (
            photo_id uuid PRIMARY KEY,
            session_id uuid NOT NULL REFERENCES upload_sessions ON DELETE CASCADE,
            sequence bigint GENERATED ALWAYS AS IDENTITY,
            file_name text NOT NULL,
            object_key text NOT NULL UNIQUE,
            sha256 text NOT NULL CHECK (length(sha256) = 64),
            size_bytes bigint NOT NULL CHECK (size_bytes > 0),
            media_type text NOT NULL,
            width integer NOT NULL CHECK (width > 0),
            height integer NOT NULL CHECK (height > 0),
            created_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX file_uploads_session ON file_uploads (session_id, sequence);
        """
    )
    for table in UPDATED_AT_TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_updated_at BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION touch_updated_at()"
        )


def downgrade() -> None:
    op.execute(
        """
        DROP TABLE file_uploads;
        DROP TABLE upload_sessions;
        DROP TABLE customers;
        DROP FUNCTION touch_updated_at;
        """
    )
