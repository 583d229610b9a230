"""The webhook inbox: accepted event ids, and conflicting bodies."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, select, text

from adapters.postgres.driver_sql import execute
from adapters.postgres.row_objects import object_of
from adapters.postgres.tables import webhook_conflicts, webhook_inbox
from domain.ports.webhook_inbox import UNSEEN, Conflict, ReceivedEvent, WebhookInbox

_ACCEPT = """INSERT INTO webhook_inbox (source, event_id, event_type, body_sha256, received_at)
    SELECT :source, event_id, event_type, body_sha256, :received_at
    FROM unnest(CAST(:event_ids AS text[]), CAST(:event_types AS text[]), CAST(:bodies AS text[]))
        AS received (event_id, event_type, body_sha256)
    ORDER BY event_id
    ON CONFLICT DO NOTHING RETURNING event_id"""


#: A statement of its own, so that it sees what another transaction has just committed.
_QUARANTINE_CONFLICT = text(
    """INSERT INTO webhook_conflicts (source, event_id, event_type, body_sha256, received_at)
    SELECT source, event_id, :event_type, :body_sha256, :received_at FROM webhook_inbox
    WHERE source = :source AND event_id = :event_id AND body_sha256 <> :body_sha256
      AND :unseen NOT IN (body_sha256, :body_sha256)
    ON CONFLICT DO NOTHING"""
)


_CONFLICTS = (
    select(webhook_conflicts, webhook_inbox.c.body_sha256.label("taken_sha256"))
    .join_from(
        webhook_conflicts,
        webhook_inbox,
        and_(
            webhook_inbox.c.source == webhook_conflicts.c.source,
            webhook_inbox.c.event_id == webhook_conflicts.c.event_id,
        ),
    )
    .order_by(webhook_conflicts.c.received_at, webhook_conflicts.c.event_id)
)


_DELETE = text(
    """WITH chosen AS (
        SELECT source, event_id FROM webhook_inbox AS inbox WHERE received_at < :before
          AND NOT EXISTS (
              SELECT FROM webhook_conflicts AS other
              WHERE other.source = inbox.source AND other.event_id = inbox.event_id
          )
        ORDER BY received_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    DELETE FROM webhook_inbox AS old USING chosen WHERE old.source = chosen.source AND old.event_id = chosen.event_id"""
)


class PostgresWebhookInbox(WebhookInbox):
    """The inbox on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def accept_all(self, source: str, received: Sequence[ReceivedEvent], now: datetime) -> set[str]:
        """Return the ids of those that are new.

        A different body under a known event id is quarantined by its hash, and logged.
        """
        rows = execute(
            self._connection,
            _ACCEPT,
            {
                "source": source,
                "received_at": now,
                "event_ids": [each.event_id for each in received],
                "event_types": [each.event_type for each in received],
                "bodies": [each.body_sha256 for each in received],
            },
        )
        new = {row.event_id for row in rows}
        for each in received:
            if each.event_id not in new:
                self._quarantine_conflict(source, each, now)
        return new

    def _quarantine_conflict(self, source: str, received: ReceivedEvent, now: datetime) -> None:
        message = {
            "source": source,
            "event_id": received.event_id,
            "event_type": received.event_type,
            "body_sha256": received.body_sha256,
            "received_at": now,
            "unseen": UNSEEN,
        }
        if self._connection.execute(_QUARANTINE_CONFLICT, message).rowcount == 1:
            import structlog  # noqa: PLC0415 -- takes a tenth of the start of a command that needs no log

            structlog.get_logger(__name__).error(
                "webhook_conflict",
                source=source,
                event_id=received.event_id,
                body_sha256=received.body_sha256,
            )

    def forget(self, before: datetime, limit: int) -> int:
        """Delete old events, except those with a conflict."""
        return self._connection.execute(_DELETE, {"before": before, "limit": limit}).rowcount

    def conflicts(self) -> list[Conflict]:
        rows = self._connection.execute(_CONFLICTS)
        return [object_of(row, Conflict) for row in rows]
