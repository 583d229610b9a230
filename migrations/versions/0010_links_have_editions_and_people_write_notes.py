"""Links have revisions and can be revoked, and staff write notes.

An e-mail of a kind may be sent more than once.
"""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE download_links ADD COLUMN edition integer NOT NULL DEFAULT 1;
        ALTER TABLE download_links ALTER COLUMN edition DROP DEFAULT;
        ALTER TABLE download_links ADD COLUMN is_revoked boolean NOT NULL DEFAULT false;
        ALTER TABLE download_links ALTER COLUMN is_revoked DROP DEFAULT;

        ALTER TABLE email_queue DROP CONSTRAINT email_queue_order_id_kind_key;
        CREATE INDEX email_queue_order ON email_queue (order_id);

        CREATE TABLE notes (
            note_id uuid PRIMARY KEY,
            order_id uuid NOT NULL,
            actor text NOT NULL,
            text text NOT NULL,
            written_at timestamptz NOT NULL
        );
        CREATE INDEX notes_order ON notes (order_id, written_at);
        """
    )


def downgrade() -> None:
    op.execute(
        """
        DROP TABLE notes;
        DROP INDEX email_queue_order;
        DELETE FROM email_queue AS later USING email_queue AS first
            WHERE later.order_id = first.order_id AND later.kind = first.kind AND later.email_id > first.email_id;
        ALTER TABLE email_queue ADD CONSTRAINT email_queue_order_id_kind_key UNIQUE (order_id, kind);
        ALTER TABLE download_links DROP COLUMN is_revoked;
        ALTER TABLE download_links DROP COLUMN edition;
        """
    )
