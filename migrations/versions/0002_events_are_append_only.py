"""Events are append-only: one gapless stream per order, without UPDATE and DELETE."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE events (
            position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
            event_id uuid NOT NULL UNIQUE,
            order_id uuid NOT NULL,
            version integer NOT NULL CHECK (version > 0),
            name text NOT NULL,
            data jsonb NOT NULL,
            recorded_at timestamptz NOT NULL,
            cause text NOT NULL,
            cause_key text NOT NULL,
            correlation_id uuid NOT NULL,
            actor text NOT NULL,
            CONSTRAINT events_order_id_version_key UNIQUE (order_id, version),
            CONSTRAINT events_order_id_cause_key_key UNIQUE (order_id, cause_key)
        );
        CREATE INDEX events_commit_order ON events (txid, position);

        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'The log is append-only: % is refused. Record a new event instead.', TG_OP
                USING ERRCODE = 'restrict_violation';
        END
        $$;
        CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
        ALTER TABLE events ENABLE ALWAYS TRIGGER events_append_only;
        """
    )


def downgrade() -> None:
    op.execute(
        """
        DROP TABLE events;
        DROP FUNCTION refuse_change;
        """
    )
