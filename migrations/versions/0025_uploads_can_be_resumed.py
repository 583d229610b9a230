"""Uploads can be sent in pieces and resumed."""

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE resumable_uploads (
            upload_id uuid PRIMARY KEY,
            session_id uuid NOT NULL REFERENCES upload_sessions ON DELETE CASCADE,
            file_name text NOT NULL,
            metadata text NOT NULL,
            size_bytes bigint NOT NULL CHECK (size_bytes > 0),
            offset_bytes bigint NOT NULL,
            part_keys text[] NOT NULL,
            expires_at timestamptz NOT NULL,
            photo_id uuid,
            is_duplicate boolean NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT resumable_uploads_offset_is_within CHECK (offset_bytes BETWEEN 0 AND size_bytes),
            CONSTRAINT resumable_uploads_whole_has_photo
                CHECK ((photo_id IS NOT NULL) = (offset_bytes = size_bytes))
        );
        CREATE INDEX resumable_uploads_session ON resumable_uploads (session_id);
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE resumable_uploads")
