"""Prediction slots: one statement decides which predictions may start next.

An advisory lock serializes the decisions.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from adapters.postgres.driver_sql import execute
from adapters.postgres.reaction_codec import FOLLOWING_KINDS, STARTING_KINDS, readable, sql_list
from domain.order.reactions import Reaction
from domain.ports.prediction_limiter import MINUTE, PredictionSlots

#: A prediction to start that waits for a slot: due, and not leased.
_IS_WAITING = f"""kind IN ({sql_list(STARTING_KINDS)}) AND admitted_at IS NULL AND status IN ('pending', 'leased')
    AND due_at <= :now AND (status = 'pending' OR leased_until <= :now)"""
#: After how long an unreadable prediction start is tried again.
UNREADABLE_AGAIN = timedelta(minutes=10)
#: How many of the longest waiting starts take turns by order, so that a decision costs the same however many wait:
#: about ten orders of the largest size, or hundreds of usual ones.
PAGE_STARTS = 2_000

# Taken before the count and in a statement of its own: a statement sees what was committed when it began.
# The transaction that holds it waits for no row: a commit that has locked one may be waiting to grant slots.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('restoreclick admissions'))"
_GRANT = f"""WITH held AS (
        SELECT order_id, count(DISTINCT coalesce(arguments->>'prediction_id', reaction_id::text)) AS slots
        FROM reactions
        WHERE status IN ('pending', 'leased')
          AND (admitted_at IS NOT NULL OR kind = ANY(CAST(:followers AS text[])))
        GROUP BY order_id
    ), recent AS (
        SELECT order_id, max(admitted_at) AS last_at, count(*) AS admitted FROM admissions
        WHERE admitted_at > :a_minute_ago GROUP BY order_id
    ), free AS (
        SELECT greatest(0, least(
            :max_running - (SELECT coalesce(sum(slots), 0) FROM held),
            :max_per_minute - (SELECT coalesce(sum(admitted), 0) FROM recent)
        )) AS slots WHERE NOT EXISTS (SELECT FROM admission_pause WHERE paused_until > :now)
    ), page AS (
        SELECT reaction_id, order_id, due_at FROM reactions WHERE {_IS_WAITING}
        ORDER BY due_at, reaction_id LIMIT :page
    ), waiting AS (
        SELECT reaction_id, due_at, last_at, coalesce(slots, 0)
            + row_number() OVER (PARTITION BY order_id ORDER BY due_at, reaction_id) AS turn
        FROM page LEFT JOIN held USING (order_id) LEFT JOIN recent USING (order_id)
    ), chosen AS (
        SELECT reaction_id FROM waiting ORDER BY turn, last_at NULLS FIRST, due_at, reaction_id
        LIMIT (SELECT coalesce(max(slots), 0) FROM free)
    ), unlocked AS (
        SELECT reaction_id FROM reactions WHERE reaction_id IN (SELECT reaction_id FROM chosen) AND {_IS_WAITING}
        FOR UPDATE SKIP LOCKED
    ), admitted AS (
        UPDATE reactions SET admitted_at = :now, sent_at = :now, sendings = 1
        WHERE reaction_id IN (SELECT reaction_id FROM unlocked)
        RETURNING reaction_id, order_id, kind, arguments_version, arguments
    ), written AS (
        INSERT INTO admissions (reaction_id, order_id, admitted_at)
        SELECT reaction_id, order_id, :now FROM admitted
    ), forgotten AS (
        DELETE FROM admissions WHERE admitted_at <= :a_minute_ago
    )
    SELECT reaction_id, kind, arguments_version, arguments FROM admitted"""
#: The row is tried again after others had their turn, and takes no slot meanwhile. Its ``sendings`` stay, so that it
#: is listed as unreadable.
_RETURN_UNREADABLE = text(
    """WITH unreadable AS (
        UPDATE reactions SET admitted_at = NULL, sent_at = NULL, due_at = :again_at
        WHERE reaction_id = ANY(CAST(:reaction_ids AS uuid[]))
    )
    DELETE FROM admissions WHERE reaction_id = ANY(CAST(:reaction_ids AS uuid[])) AND admitted_at = :now"""
)
_PAUSE = text(
    """INSERT INTO admission_pause (paused_until) VALUES (:until)
    ON CONFLICT (is_only_row) DO UPDATE
        SET paused_until = greatest(admission_pause.paused_until, EXCLUDED.paused_until)"""
)
_WITHDRAW = text(
    """WITH unclaimed AS (
        SELECT reaction_id, admitted_at FROM reactions
        WHERE status = 'pending' AND admitted_at IS NOT NULL
        FOR UPDATE SKIP LOCKED
    ), withdrawn AS (
        UPDATE reactions SET admitted_at = NULL, sent_at = NULL, sendings = 0
        FROM unclaimed WHERE reactions.reaction_id = unclaimed.reaction_id
        RETURNING reactions.reaction_id, unclaimed.admitted_at
    )
    DELETE FROM admissions USING withdrawn
    WHERE admissions.reaction_id = withdrawn.reaction_id AND admissions.admitted_at = withdrawn.admitted_at"""
)


class PostgresPredictionSlots(PredictionSlots):
    """The slots on one connection, inside one transaction.

    Concurrent transactions wait for its end.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def grant(self, now: datetime, *, max_running: int, max_per_minute: int) -> list[tuple[UUID, Reaction]]:
        parameters: dict[str, Any] = {
            "now": now,
            "a_minute_ago": now - MINUTE,
            "max_running": max_running,
            "max_per_minute": max_per_minute,
            "page": PAGE_STARTS,
            "followers": FOLLOWING_KINDS,
        }
        execute(self._connection, _LOCK, {})
        rows = execute(self._connection, _GRANT, parameters).fetchall()
        admitted = [(row.reaction_id, reaction) for row, reaction in readable(rows)]
        if unreadable := {row.reaction_id for row in rows} - {reaction_id for reaction_id, _ in admitted}:
            taken_back = {"reaction_ids": list(unreadable), "now": now, "again_at": now + UNREADABLE_AGAIN}
            self._connection.execute(_RETURN_UNREADABLE, taken_back)
        return admitted

    def pause(self, until: datetime) -> None:
        """Store the pause and withdraw the slots of unclaimed starts."""
        execute(self._connection, _LOCK, {})
        self._connection.execute(_PAUSE, {"until": until})
        self._connection.execute(_WITHDRAW)
