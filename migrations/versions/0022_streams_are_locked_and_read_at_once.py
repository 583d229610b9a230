"""A function locks an order and returns its stream.

Both take one round trip. A single SELECT cannot do it: its snapshot would be older than the lock that it waited for.
In a volatile function each query has a snapshot of its own.
"""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION locked_stream(wanted uuid) RETURNS SETOF events LANGUAGE plpgsql VOLATILE AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended(wanted::text, 0));
            RETURN QUERY SELECT * FROM events WHERE order_id = wanted ORDER BY version;
        END
        $$
        """
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION locked_stream(uuid)")
