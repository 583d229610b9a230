"""An upload session holds the same bytes once; earlier duplicates stay.

Only sessions that can still accept photos are filled in. The index that enforces it is built in 0021.
"""

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
            WHERE session_id IN (SELECT session_id FROM upload_sessions WHERE status NOT IN ('paid', 'expired'))
            ORDER BY session_id, sha256, sequence
        ) AS first
        WHERE first.photo_id = file_uploads.photo_id;
        """
    )


def downgrade() -> None:
    op.execute("ALTER TABLE file_uploads DROP COLUMN distinct_sha256")
