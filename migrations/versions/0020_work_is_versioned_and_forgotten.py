"""Stored work has a version, waiting starts and closed work have indexes, the log one by time."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.execute("ALTER TABLE reactions ADD COLUMN arguments_version integer NOT NULL DEFAULT 1")
    op.execute(
        """CREATE INDEX reactions_waiting_starts ON reactions (due_at, reaction_id)
        WHERE kind = 'RestoreImage' AND admitted_at IS NULL AND status IN ('pending', 'leased')"""
    )
    op.execute(
        "CREATE INDEX reactions_closed ON reactions (due_at) WHERE status IN ('done', 'dropped', 'failed')"
    )
    op.execute("CREATE INDEX webhook_inbox_received_at ON webhook_inbox (received_at)")
    op.execute("CREATE INDEX events_recorded_at ON events USING brin (recorded_at)")


def downgrade() -> None:
    for index in (
        "events_recorded_at",
        "webhook_inbox_received_at",
        "reactions_closed",
        "reactions_waiting_starts",
    ):
        op.execute(f"DROP INDEX {index}")
    op.execute("ALTER TABLE reactions DROP COLUMN arguments_version")
