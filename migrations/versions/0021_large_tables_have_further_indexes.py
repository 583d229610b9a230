"""Large tables have further indexes, built concurrently.

They are for waiting starts, closed reactions, old webhook events, the log by time, and a session's bytes. An
interrupted build leaves an invalid index, which is dropped first. A build blocks no writer, so it may wait for old
transactions as long as they take.
"""

from alembic import op

revision = "0021"
down_revision = "0020"

_INDEXES = {
    "reactions_waiting_starts": """CREATE INDEX CONCURRENTLY IF NOT EXISTS reactions_waiting_starts
        ON reactions (due_at, reaction_id)
        WHERE kind = 'RestoreImage' AND admitted_at IS NULL AND status IN ('pending', 'leased')""",
    "reactions_closed": """CREATE INDEX CONCURRENTLY IF NOT EXISTS reactions_closed
        ON reactions (due_at) WHERE status IN ('done', 'dropped', 'failed')""",
    "webhook_inbox_received_at": """CREATE INDEX CONCURRENTLY IF NOT EXISTS webhook_inbox_received_at
        ON webhook_inbox (received_at)""",
    "events_recorded_at": """CREATE INDEX CONCURRENTLY IF NOT EXISTS events_recorded_at
        ON events USING brin (recorded_at)""",
    "file_uploads_once": """CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS file_uploads_once
        ON file_uploads (session_id, distinct_sha256)""",
}
_INVALID = "SELECT relname FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid WHERE NOT indisvalid"


def upgrade() -> None:
    context = op.get_context()
    with context.autocommit_block():
        connection = op.get_bind()
        lock_timeout = connection.exec_driver_sql("SHOW lock_timeout").scalar_one()
        connection.exec_driver_sql("SET lock_timeout = 0")
        invalid = set(connection.exec_driver_sql(_INVALID).scalars())
        for name, build in _INDEXES.items():
            if name in invalid:
                connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY {name}")
            connection.exec_driver_sql(build)
        connection.exec_driver_sql(f"SET lock_timeout = '{lock_timeout}'")


def downgrade() -> None:
    for name in reversed(_INDEXES):
        op.execute(f"DROP INDEX {name}")
