"""The events of finished orders can be moved to tables by month.

These tables inherit from ``events``, so that a query of it reads them as well. The events of one order are in one
place: all in ``events`` itself, where the unique keys are, or all in the tables of months. A writer who locks an
archived order brings it back first. A row can be deleted only if the same row is in the other place and no other rows
of its order are left behind; one can be inserted into a month only if it is in ``events``, and into ``events`` only
after its predecessor and by a writer who has the order's lock.
"""

from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.execute(
        """
        -- These three look tables up by their ids: a name may lead to another table, such as a temporary one.

        CREATE FUNCTION refuse_loss() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
        DECLARE
            elsewhere regclass;
            copies integer := 0;
        BEGIN
            SELECT CASE TG_RELID WHEN inhrelid THEN inhparent ELSE inhrelid END INTO elsewhere
            FROM pg_inherits JOIN pg_class AS month ON month.oid = inhrelid
            WHERE inhrelid = TG_RELID OR (
                inhparent = TG_RELID
                AND month.relname = 'events_' || to_char(OLD.recorded_at AT TIME ZONE 'UTC', 'YYYY_MM')
            );
            IF elsewhere IS NOT NULL THEN
                -- The lock keeps another transaction from deleting the copy, while this one deletes the original.
                EXECUTE format('SELECT FROM ONLY %s AS copy WHERE order_id = $1 AND version = $2'
                    ' AND (copy.*)::text = $3 FOR KEY SHARE', elsewhere)
                    USING OLD.order_id, OLD.version, OLD::text;
                GET DIAGNOSTICS copies = ROW_COUNT;
            END IF;
            IF copies <> 1 THEN
                RAISE EXCEPTION 'The log is append-only: % is refused. Record a new event instead.', TG_OP
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN OLD;
        END
        $$;

        CREATE FUNCTION refuse_split() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
        DECLARE
            log regclass := coalesce((SELECT inhparent FROM pg_inherits WHERE inhrelid = TG_RELID), TG_RELID);
            torn uuid;
        BEGIN
            -- Each search is by the order's id, whatever the planner believes about the number of deleted rows.
            EXECUTE format('SELECT order_id FROM (SELECT DISTINCT order_id FROM deleted) AS moved WHERE CASE'
                ' WHEN (SELECT true FROM ONLY %1$s AS live WHERE live.order_id = moved.order_id LIMIT 1)'
                ' THEN (SELECT true FROM %1$s AS archived WHERE archived.order_id = moved.order_id'
                ' AND archived.tableoid <> %2$s LIMIT 1) END LIMIT 1', log, log::oid) INTO torn;
            IF torn IS NOT NULL THEN
                RAISE EXCEPTION 'The log is append-only: order % can only be moved as a whole.', torn
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NULL;
        END
        $$;

        CREATE FUNCTION refuse_original() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
        DECLARE
            log regclass := (SELECT inhparent FROM pg_inherits WHERE inhrelid = TG_RELID);
            original uuid;
        BEGIN
            EXECUTE format('SELECT order_id FROM added WHERE (SELECT true FROM ONLY %s AS live'
                ' WHERE live.order_id = added.order_id AND live.version = added.version'
                ' AND (live.*)::text = (added.*)::text LIMIT 1) IS NULL LIMIT 1', log) INTO original;
            IF original IS NOT NULL THEN
                RAISE EXCEPTION 'The log is append-only: order % has no such event to archive.', original
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NULL;
        END
        $$;

        CREATE OR REPLACE TRIGGER events_append_only BEFORE UPDATE OR TRUNCATE ON events
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
        ALTER TABLE events ENABLE ALWAYS TRIGGER events_append_only;
        CREATE TRIGGER events_keep_rows BEFORE DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse_loss();
        ALTER TABLE events ENABLE ALWAYS TRIGGER events_keep_rows;
        CREATE TRIGGER events_keep_whole AFTER DELETE ON events REFERENCING OLD TABLE AS deleted
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_split();
        ALTER TABLE events ENABLE ALWAYS TRIGGER events_keep_whole;

        CREATE FUNCTION refuse_gap() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            -- A writer who locked the order has it already. Nobody else may: the order may be being archived.
            is_locked boolean := pg_try_advisory_xact_lock(hashtextextended(NEW.order_id::text, 0));
        BEGIN
            IF NOT is_locked OR NOT EXISTS (
                SELECT FROM ONLY events WHERE order_id = NEW.order_id AND version = NEW.version - 1
            ) THEN
                RAISE EXCEPTION 'Version % of order % does not follow an event: lock the order and load it.',
                    NEW.version, NEW.order_id
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'events_have_predecessors',
                        DETAIL = NEW.order_id::text;
            END IF;
            IF current_setting('transaction_isolation') <> 'read committed' THEN
                -- An older snapshot may still hold a predecessor that was archived since: its lock is then an error.
                PERFORM FROM ONLY events
                WHERE order_id = NEW.order_id AND version = NEW.version - 1 FOR KEY SHARE;
            END IF;
            RETURN NULL;
        END
        $$;
        CREATE TRIGGER events_have_predecessors AFTER INSERT ON events
            FOR EACH ROW WHEN (NEW.version > 1) EXECUTE FUNCTION refuse_gap();

        -- A plan for the given ids would take longer to make than to execute, because it is about every month.
        CREATE FUNCTION archived_streams(wanted uuid[]) RETURNS SETOF events LANGUAGE plpgsql STABLE
        SET plan_cache_mode = force_generic_plan AS $$
        BEGIN
            RETURN QUERY SELECT * FROM events
                WHERE order_id = ANY(wanted) AND tableoid <> 'events'::regclass ORDER BY order_id, version;
        END
        $$;

        -- Each event is written with its order's row, so that no month is searched for a new order.
        CREATE FUNCTION streams_of(wanted uuid[]) RETURNS SETOF events LANGUAGE plpgsql STABLE AS $$
        DECLARE
            elsewhere uuid[];
        BEGIN
            RETURN QUERY SELECT * FROM ONLY events WHERE order_id = ANY(wanted) ORDER BY order_id, version;
            elsewhere := ARRAY(
                SELECT order_id FROM unnest(wanted) AS given (order_id)
                WHERE NOT EXISTS (SELECT FROM ONLY events WHERE events.order_id = given.order_id)
            );
            IF EXISTS (SELECT FROM orders WHERE order_id = ANY(elsewhere)) THEN
                RETURN QUERY SELECT * FROM archived_streams(elsewhere);
            END IF;
        END
        $$;

        -- Who is about to write does not depend on that row: it may be lost until the read models are rebuilt.
        CREATE OR REPLACE FUNCTION locked_stream(wanted uuid) RETURNS SETOF events LANGUAGE plpgsql VOLATILE AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended(wanted::text, 0));
            RETURN QUERY SELECT * FROM ONLY events WHERE order_id = wanted ORDER BY version;
            IF NOT FOUND THEN
                INSERT INTO events OVERRIDING SYSTEM VALUE SELECT * FROM archived_streams(ARRAY[wanted]);
                IF FOUND THEN
                    DELETE FROM events WHERE order_id = wanted AND tableoid <> 'events'::regclass;
                    RETURN QUERY SELECT * FROM ONLY events WHERE order_id = wanted ORDER BY version;
                END IF;
            END IF;
        END
        $$;

        CREATE OR REPLACE FUNCTION locked_stream(wanted uuid, since integer) RETURNS SETOF events
        LANGUAGE plpgsql VOLATILE AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended(wanted::text, 0));
            RETURN QUERY SELECT * FROM ONLY events WHERE order_id = wanted AND version >= since ORDER BY version;
        END
        $$;
        """
    )


def downgrade() -> None:
    op.execute(
        """
        DO $$
        DECLARE
            month regclass;
        BEGIN
            FOR month IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'events'::regclass LOOP
                EXECUTE format('DROP TABLE %s', month);
            END LOOP;
        END
        $$;

        CREATE OR REPLACE FUNCTION locked_stream(wanted uuid) RETURNS SETOF events LANGUAGE plpgsql VOLATILE AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended(wanted::text, 0));
            RETURN QUERY SELECT * FROM events WHERE order_id = wanted ORDER BY version;
        END
        $$;
        CREATE OR REPLACE FUNCTION locked_stream(wanted uuid, since integer) RETURNS SETOF events
        LANGUAGE plpgsql VOLATILE AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended(wanted::text, 0));
            RETURN QUERY SELECT * FROM events WHERE order_id = wanted AND version >= since ORDER BY version;
        END
        $$;

        DROP FUNCTION streams_of;
        DROP FUNCTION archived_streams;
        DROP TRIGGER events_have_predecessors ON events;
        DROP FUNCTION refuse_gap;
        DROP TRIGGER events_keep_rows ON events;
        DROP TRIGGER events_keep_whole ON events;
        CREATE OR REPLACE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
        ALTER TABLE events ENABLE ALWAYS TRIGGER events_append_only;
        DROP FUNCTION refuse_loss;
        DROP FUNCTION refuse_split;
        DROP FUNCTION refuse_original;
        """
    )
