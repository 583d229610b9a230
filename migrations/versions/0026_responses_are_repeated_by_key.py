"""Responses are repeated to requests with the same idempotency key."""

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE idempotency_keys (
            key_sha256 text PRIMARY KEY CHECK (length(key_sha256) = 64),
            request_sha256 text NOT NULL CHECK (length(request_sha256) = 64),
            reserved_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            status integer,
            headers jsonb,
            body bytea,
            CONSTRAINT idempotency_keys_response_is_whole CHECK (num_nonnulls(status, headers, body) IN (0, 3))
        );
        CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE idempotency_keys")
