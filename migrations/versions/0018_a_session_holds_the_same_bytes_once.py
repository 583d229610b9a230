"""An upload session holds the same bytes once; what was sent twice before stays as it is."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE file_uploads ADD COLUMN distinct_sha256 text;
        UPDATE file_uploads SET distinct_sha256 = sha256
        FROM (
            SELECT DISTINCT ON (session_id, sha256) photo_id FROM file_uploads
            ORDER BY session_id, sha256, sequence
        ) AS first
        WHERE first.photo_id = file_uploads.photo_id;
        CREATE UNIQUE INDEX file_uploads_once ON file_uploads (session_id, distinct_sha256);
        """
    )


def downgrade() -> None:
    op.execute("ALTER TABLE file_uploads DROP COLUMN distinct_sha256")
