"""A function locks an order and reads its stream from a version.

A worker that has just read an order needs only what was recorded since; the version's own event shows that the log
still holds what was read.
"""

from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION locked_stream(wanted uuid, since integer) RETURNS SETOF events LANGUAGE plpgsql VOLATILE AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended(wanted::text, 0));
            RETURN QUERY SELECT * FROM events WHERE order_id = wanted AND version >= since ORDER BY version;
        END
        $$
        """
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION locked_stream(uuid, integer)")
