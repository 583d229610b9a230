"""A journal of every lease, kept by a trigger in another schema.

No other record shows who held a lease when something was recorded, or that work was closed without a lease.
"""

import psycopg

#: Written in the transaction that changes the lease, so its ``txid`` is that of the events recorded with it.
SCHEMA = """
CREATE SCHEMA chaos;
CREATE TABLE chaos.leases (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reaction_id uuid NOT NULL,
    status_before text NOT NULL,
    status text NOT NULL,
    token_before uuid,
    token uuid,
    leased_until_before timestamptz
);
CREATE FUNCTION chaos.note_lease() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chaos.leases
        (reaction_id, status_before, status, token_before, token, leased_until_before)
    VALUES (
        NEW.reaction_id, coalesce(OLD.status, 'pending'), NEW.status,
        OLD.lease_token, NEW.lease_token, OLD.leased_until
    );
    RETURN NULL;
END $$;
CREATE TRIGGER note_lease AFTER UPDATE ON reactions FOR EACH ROW
    WHEN (
        OLD.lease_token IS DISTINCT FROM NEW.lease_token
        OR (NEW.status NOT IN ('pending', 'leased') AND OLD.status <> 'leased')
    )
    EXECUTE FUNCTION chaos.note_lease();
CREATE TRIGGER note_first_lease AFTER INSERT ON reactions FOR EACH ROW
    WHEN (NEW.lease_token IS NOT NULL)
    EXECUTE FUNCTION chaos.note_lease();
"""


def keep_journal(database_url: str) -> None:
    """Create the journal, unless it exists."""
    with psycopg.connect(database_url) as connection:
        known = connection.execute("SELECT to_regclass('chaos.leases')").fetchone()
        if known == (None,):
            connection.execute(SCHEMA)
