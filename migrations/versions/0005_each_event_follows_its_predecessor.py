"""Each event follows its predecessor and has that one's SHA-256.

Existing events get theirs. The hashing is copied here, because this revision has to give the same hashes forever,
however the program changes.
"""

import hashlib
import json
from datetime import UTC
from typing import Any
from uuid import UUID

from alembic import op
from sqlalchemy import Connection, text

revision = "0005"
down_revision = "0004"

#: How many events are read, hashed and written at a time.
BATCH_EVENTS = 1000

_NEXT = text(
    """SELECT order_id, version, event_id, name, data::text AS data, recorded_at, cause, cause_key, correlation_id,
        actor
    FROM events WHERE (order_id, version) > (:order_id, :version) ORDER BY order_id, version LIMIT :limit"""
)
_CHAIN = text(
    """UPDATE events SET previous_sha256 = given.previous_sha256, sha256 = given.sha256
    FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS given (event_id uuid, previous_sha256 text, sha256 text)
    WHERE events.event_id = given.event_id"""
)


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE events
            ADD COLUMN previous_sha256 text CHECK (length(previous_sha256) = 64),
            ADD COLUMN sha256 text CHECK (length(sha256) = 64);
        ALTER TABLE events DISABLE TRIGGER events_append_only;
        """
    )
    _chain_existing(op.get_bind())
    op.execute(
        """
        ALTER TABLE events ENABLE ALWAYS TRIGGER events_append_only;
        ALTER TABLE events
            ALTER COLUMN sha256 SET NOT NULL,
            ADD CONSTRAINT events_chain_has_one_beginning CHECK ((previous_sha256 IS NULL) = (version = 1));
        """
    )


def downgrade() -> None:
    op.execute("ALTER TABLE events DROP COLUMN previous_sha256, DROP COLUMN sha256")


def _chain_existing(connection: Connection) -> None:
    """Chain the existing events by stream, in batches."""
    stream, version, previous = UUID(int=0), 0, None
    while rows := connection.execute(
        _NEXT, {"order_id": stream, "version": version, "limit": BATCH_EVENTS}
    ).all():
        chained = []
        for row in rows:
            if row.order_id != stream:
                stream, previous = row.order_id, None
            sha256 = _sha256(row, previous)
            chained.append({"event_id": str(row.event_id), "previous_sha256": previous, "sha256": sha256})
            version, previous = row.version, sha256
        connection.execute(_CHAIN, {"events": json.dumps(chained)})


def _sha256(row: Any, previous: str | None) -> str:
    contents = {
        "order_id": str(row.order_id),
        "version": row.version,
        "event_id": str(row.event_id),
        "name": row.name,
        "data": json.loads(row.data),
        "recorded_at": row.recorded_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "cause": row.cause,
        "cause_key": row.cause_key,
        "correlation_id": str(row.correlation_id),
        "actor": row.actor,
        "previous_sha256": previous,
    }
    canonical = json.dumps(contents, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
