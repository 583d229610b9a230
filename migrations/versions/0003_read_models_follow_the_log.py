"""Read models follow the log and can be rebuilt from it."""

from alembic import op

revision = "0003"
down_revision = "0002"

UPDATED_AT_TABLES = ("orders", "images", "restoration_jobs", "email_queue", "download_links")


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE order_numbers (
            day date PRIMARY KEY,
            last_number integer NOT NULL CHECK (last_number > 0)
        );

        CREATE TABLE orders (
            order_id uuid PRIMARY KEY,
            number text NOT NULL UNIQUE CHECK (number ~ '^[0-9]{8}-[0-9]{6,}$'),
            version integer NOT NULL,
            state text NOT NULL,
            hold_reason text,
            is_disputed boolean NOT NULL,
            photos_are_purged boolean NOT NULL,
            customer_id uuid NOT NULL REFERENCES customers,
            upload_session_id uuid NOT NULL UNIQUE,
            checkout_session_id text NOT NULL UNIQUE,
            payment_intent_id text UNIQUE,
            currency text NOT NULL,
            quoted_amount bigint NOT NULL,
            discount_amount bigint NOT NULL,
            paid_amount bigint NOT NULL,
            refunded_amount bigint NOT NULL,
            images integer NOT NULL,
            restored_images integer NOT NULL,
            failed_images integer NOT NULL,
            paid_at timestamptz NOT NULL,
            completed_at timestamptz,
            refunded_at timestamptz,
            updated_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX orders_customer ON orders (customer_id);
        CREATE INDEX orders_paid_at ON orders (paid_at DESC);
        CREATE INDEX orders_held ON orders (paid_at) WHERE hold_reason IS NOT NULL;

        CREATE TABLE images (
            image_id uuid PRIMARY KEY,
            order_id uuid NOT NULL REFERENCES orders ON DELETE CASCADE,
            sequence integer NOT NULL,
            upload_key text NOT NULL,
            original_key text,
            original_sha256 text NOT NULL,
            size_bytes bigint NOT NULL,
            media_type text NOT NULL,
            share_amount bigint NOT NULL,
            restored_key text,
            restored_sha256 text,
            restored_size_bytes bigint,
            restored_media_type text,
            width integer,
            height integer,
            failure_reason text,
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT images_order_id_sequence_key UNIQUE (order_id, sequence)
        );

        CREATE TABLE restoration_jobs (
            image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
            attempt integer NOT NULL,
            status text NOT NULL,
            prediction_id text,
            model text,
            failure_reason text,
            updated_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (image_id, attempt)
        );
        CREATE INDEX restoration_jobs_prediction ON restoration_jobs (prediction_id);

        CREATE TABLE email_queue (
            email_id uuid PRIMARY KEY,
            order_id uuid NOT NULL REFERENCES orders ON DELETE CASCADE,
            kind text NOT NULL,
            status text NOT NULL,
            attempt integer NOT NULL,
            message_id text,
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT email_queue_order_id_kind_key UNIQUE (order_id, kind)
        );

        CREATE TABLE download_links (
            link_id uuid PRIMARY KEY,
            order_id uuid NOT NULL REFERENCES orders ON DELETE CASCADE,
            token_sha256 text NOT NULL UNIQUE,
            archive_key text NOT NULL,
            archive_sha256 text NOT NULL,
            archive_size_bytes bigint NOT NULL,
            expires_at timestamptz NOT NULL,
            openings integer NOT NULL,
            updated_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX download_links_order ON download_links (order_id);
        """
    )
    for table in UPDATED_AT_TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_updated_at BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION touch_updated_at()"
        )


def downgrade() -> None:
    op.execute("DROP TABLE download_links, email_queue, restoration_jobs, images, orders, order_numbers")
