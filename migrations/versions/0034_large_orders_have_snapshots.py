"""Orders of many events have a snapshot, from which loading continues.

``locked_stream`` with a version returns the whole stream if the order was archived after its snapshot was read.
"""

from alembic import op

revision = "0034"
down_revision = "0033"

_LOCKED_STREAM = """
    CREATE OR REPLACE FUNCTION locked_stream(wanted uuid, since integer) RETURNS SETOF events
    LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended(wanted::text, 0));
        RETURN QUERY SELECT * FROM ONLY events WHERE order_id = wanted AND version >= since ORDER BY version;
        {otherwise}
    END
    $$;
"""


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE order_snapshots (
            order_id uuid PRIMARY KEY,
            version integer NOT NULL CHECK (version > 0),
            made_by text NOT NULL,
            state bytea NOT NULL
        );
        """
        + _LOCKED_STREAM.format(
            otherwise="IF NOT FOUND THEN RETURN QUERY SELECT * FROM locked_stream(wanted); END IF;"
        )
    )


def downgrade() -> None:
    op.execute(_LOCKED_STREAM.format(otherwise="") + "DROP TABLE order_snapshots;")
