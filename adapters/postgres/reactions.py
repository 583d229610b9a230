"""The reactions table: fenced leases, retries by due time, resends."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from adapters.postgres.driver_sql import execute
from adapters.postgres.json_rows import as_json, insert_from_json, insert_rows
from adapters.postgres.reaction_codec import (
    DONE_ONCE_KINDS,
    KINDS,
    STARTING_KINDS,
    is_readable,
    reaction_of,
    readable,
    sql_list,
    version_of,
)
from domain.order.reactions import Reaction
from domain.order.values import OrderId
from domain.ports.reaction_queue import (
    Claim,
    ExhaustedReaction,
    Outcome,
    ReactionTable,
    ScheduledReaction,
    UnreadableWork,
)
from domain.ports.unit_of_work import LeaseLostError

_COLUMNS = (
    "reaction_id",
    "order_id",
    "kind",
    "arguments_version",
    "arguments",
    "first_due_at",
    "due_at",
    "sent_at",
    "sendings",
    "status",
    "attempts",
    "lease_token",
    "leased_until",
)

#: Reopen closed work that is required again; kinds that run once stay done.
_REOPENING = f"""ON CONFLICT (reaction_id) DO UPDATE
        SET status = EXCLUDED.status, arguments_version = EXCLUDED.arguments_version, arguments = EXCLUDED.arguments,
            due_at = EXCLUDED.due_at, first_due_at = EXCLUDED.first_due_at,
            sent_at = EXCLUDED.sent_at, sendings = EXCLUDED.sendings, attempts = EXCLUDED.attempts,
            lease_token = EXCLUDED.lease_token, leased_until = EXCLUDED.leased_until
        WHERE reactions.status IN ('dropped', 'failed')
            OR (reactions.status = 'done' AND reactions.kind NOT IN ({sql_list(DONE_ONCE_KINDS)}))"""

CLOSE = """UPDATE reactions
    SET status = :outcome, lease_token = NULL, leased_until = NULL, problem = :problem, sent_at = NULL,
        sendings = 0, admitted_at = NULL, due_at = coalesce(CAST(:again_at AS timestamptz), due_at)
    WHERE reaction_id = :reaction_id AND status = 'leased' AND lease_token = :token"""

#: What starts a prediction cannot be claimed before it is admitted.
IS_ADMITTED = f"(kind NOT IN ({sql_list(STARTING_KINDS)}) OR admitted_at IS NOT NULL)"
# The row is locked before it is updated: `RETURNING old.status` would need PostgreSQL 18.
_CLAIM = f"""WITH claimable AS (
        SELECT reaction_id, status = 'leased' AS was_interrupted FROM reactions
        WHERE reaction_id = :reaction_id AND {IS_ADMITTED}
          AND (
              (status = 'pending' AND (due_at <= :now OR sent_at IS NOT NULL))
              OR (status = 'leased' AND leased_until <= :now)
          )
        FOR UPDATE
    )
    UPDATE reactions
    SET status = 'leased', lease_token = :token, leased_until = :leased_until, attempts = attempts + 1,
        due_at = :now, sendings = 0
    FROM claimable
    WHERE reactions.reaction_id = claimable.reaction_id
    RETURNING order_id, kind, arguments_version, arguments, attempts, first_due_at, was_interrupted"""
_POSTPONE = """UPDATE reactions
    SET status = 'pending', lease_token = NULL, leased_until = NULL, sent_at = NULL, sendings = 0,
        admitted_at = NULL, due_at = CASE WHEN due_at > :claimed_at THEN due_at ELSE :due_at END, problem = :problem,
        attempts = CASE WHEN :has_progressed THEN 0 ELSE attempts END
    WHERE reaction_id = :reaction_id AND status = 'leased' AND lease_token = :token"""
_RENEW = """UPDATE reactions SET leased_until = :leased_until
    WHERE status = 'leased' AND lease_token = ANY(CAST(:tokens AS uuid[]))"""
_SOONER = """ON CONFLICT (reaction_id) DO UPDATE
        SET due_at = CASE reactions.status
                WHEN 'leased' THEN EXCLUDED.due_at ELSE LEAST(reactions.due_at, EXCLUDED.due_at)
            END,
            sent_at = EXCLUDED.sent_at, sendings = EXCLUDED.sendings
        WHERE reactions.status IN ('pending', 'leased')"""
#: The batch is a CTE, which is executed once: a join may execute a subquery for each row of the other side, and rows
#: that it has locked itself are not skipped, so that more than the limit would be taken.
_TAKE_UNSENT = f"""WITH unsent AS (
        SELECT reaction_id FROM reactions
        WHERE {IS_ADMITTED}
          AND ((status = 'pending' AND due_at <= :now) OR (status = 'leased' AND leased_until <= :now))
          AND (sent_at IS NULL OR sent_at <= :now - (:resend_after * power(2, LEAST(greatest(sendings - 1, 0), 6))))
          AND (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    UPDATE reactions SET sent_at = :now, sendings = sendings + 1 FROM unsent
    WHERE reactions.reaction_id = unsent.reaction_id
    RETURNING reactions.reaction_id, kind, arguments_version, arguments"""
_EXHAUSTED = text(
    """SELECT order_id, kind, first_due_at FROM reactions
    WHERE status = 'failed' AND kind = ANY(CAST(:kinds AS text[]))
    ORDER BY first_due_at, reaction_id"""
)
#: Claiming resets ``sendings``, so a readable backlog is not scanned here.
_SUSPECT = text(
    """SELECT reaction_id, order_id, kind, arguments_version, arguments, first_due_at FROM reactions
    LEFT JOIN unnest(CAST(:kinds AS text[]), CAST(:versions AS integer[])) AS known (kind, newest) USING (kind)
    WHERE status IN ('pending', 'leased')
        AND (sendings > 0 OR newest IS NULL OR arguments_version NOT BETWEEN 1 AND newest)
    ORDER BY first_due_at, reaction_id"""
)
_REWRITE = text(
    f"""{insert_from_json("reactions", _COLUMNS, "reactions")}
    ON CONFLICT (reaction_id) DO UPDATE
        SET kind = EXCLUDED.kind, arguments_version = EXCLUDED.arguments_version, arguments = EXCLUDED.arguments,
            due_at = EXCLUDED.due_at, sent_at = EXCLUDED.sent_at, sendings = EXCLUDED.sendings
        WHERE reactions.status = 'pending'
            OR (reactions.status = 'leased' AND reactions.leased_until <= EXCLUDED.due_at)"""
)
_DELETE_CLOSED = text(
    f"""WITH closed AS (
        SELECT reaction_id FROM reactions
        WHERE status IN ('done', 'dropped', 'failed') AND due_at < :before
          AND NOT (status = 'failed' AND kind IN ({sql_list(DONE_ONCE_KINDS)}))
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    DELETE FROM reactions USING closed WHERE reactions.reaction_id = closed.reaction_id"""
)
_UNCOUNT = text(
    """DELETE FROM admissions USING reactions
    WHERE reactions.reaction_id = :reaction_id AND status = 'leased' AND lease_token = :token
      AND admissions.reaction_id = reactions.reaction_id AND admissions.admitted_at = reactions.admitted_at"""
)


def insert_reactions(scheduled: Iterable[ScheduledReaction]) -> tuple[str, dict[str, str | None]]:
    """Return the INSERT of reactions, and its parameters.

    A reaction due at once counts as sent, because the process that commits it sends it; the sweeper resends later.
    One with a claim is leased, and needs no sending.
    """
    insert, parameters = insert_rows("reactions", _COLUMNS, _rows(scheduled))
    return f"{insert} {_REOPENING}", parameters


def _rows(scheduled: Iterable[ScheduledReaction]) -> list[dict[str, Any]]:
    return [
        {
            "reaction_id": each.reaction_id,
            "order_id": each.order_id,
            "kind": type(each.reaction).__name__,
            "arguments_version": version_of(type(each.reaction).__name__),
            "arguments": each.reaction,
            "first_due_at": each.due_at,
            "due_at": each.due_at,
            "sent_at": each.sent_at,
            "sendings": 1 if each.sent_at and each.claim is None else 0,
            "status": "pending" if each.claim is None else "leased",
            "attempts": 0 if each.claim is None else each.claim.attempts,
            "lease_token": None if each.claim is None else each.claim.token,
            "leased_until": None if each.claim is None else each.claim.leased_until,
        }
        for each in scheduled
    ]


class PostgresReactionTable(ReactionTable):
    """The reactions on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def schedule(self, reactions: Iterable[ScheduledReaction]) -> None:
        execute(self._connection, *insert_reactions(reactions))

    def claim(self, reaction_id: UUID, token: UUID, now: datetime, lease: timedelta) -> Claim | None:
        leased_until = now + lease
        row = execute(
            self._connection,
            _CLAIM,
            {"reaction_id": reaction_id, "token": token, "now": now, "leased_until": leased_until},
        ).fetchone()
        if row is None:
            return None
        return Claim(
            reaction_id=reaction_id,
            order_id=row.order_id,
            reaction=reaction_of(reaction_id, row.kind, row.arguments_version, row.arguments),
            token=token,
            attempts=row.attempts,
            was_interrupted=row.was_interrupted,
            first_due_at=row.first_due_at,
            claimed_at=now,
            leased_until=leased_until,
        )

    def renew(self, tokens: Iterable[UUID], leased_until: datetime) -> None:
        execute(self._connection, _RENEW, {"tokens": list(tokens), "leased_until": leased_until})

    def postpone(self, claim: Claim, due_at: datetime, problem: str, *, has_progressed: bool = False) -> None:
        postponed = execute(
            self._connection,
            _POSTPONE,
            {
                "reaction_id": claim.reaction_id,
                "token": claim.token,
                "due_at": due_at,
                "claimed_at": claim.claimed_at,
                "problem": problem,
                "has_progressed": has_progressed,
            },
        )
        if postponed.rowcount == 0:
            raise LeaseLostError(claim.reaction_id)

    def close(self, claim: Claim, *, outcome: Outcome, problem: str | None = None) -> None:
        """Close the reaction; raise LeaseLostError if the lease is lost.

        A dropped prediction start created nothing, so its slot is not counted against the rate limit.
        """
        if outcome is Outcome.DROPPED and claim.reaction.starts_prediction:
            self._connection.execute(_UNCOUNT, {"reaction_id": claim.reaction_id, "token": claim.token})
        closed = execute(
            self._connection,
            CLOSE,
            {
                "reaction_id": claim.reaction_id,
                "token": claim.token,
                "outcome": outcome,
                "again_at": None,
                "problem": problem,
            },
        )
        if closed.rowcount == 0:
            raise LeaseLostError(claim.reaction_id)

    def expedite(self, reaction: ScheduledReaction) -> None:
        insert, parameters = insert_rows("reactions", _COLUMNS, _rows([reaction]))
        execute(self._connection, f"{insert} {_SOONER}", parameters)

    def take_unsent(
        self,
        now: datetime,
        resend_after: timedelta,
        limit: int,
        kinds: Collection[type[Reaction]] | None = None,
    ) -> list[tuple[UUID, Reaction]]:
        names = None if kinds is None else [kind.__name__ for kind in kinds]
        rows = execute(
            self._connection,
            _TAKE_UNSENT,
            {"now": now, "resend_after": resend_after, "limit": limit, "kinds": names},
        )
        return [(row.reaction_id, reaction) for row, reaction in readable(rows)]

    def forget_closed(self, before: datetime, limit: int) -> int:
        return self._connection.execute(_DELETE_CLOSED, {"before": before, "limit": limit}).rowcount

    def exhausted(self) -> list[ExhaustedReaction]:
        kinds = {"kinds": DONE_ONCE_KINDS}
        return [
            ExhaustedReaction(order_id=OrderId(row.order_id), kind=KINDS[row.kind], since=row.first_due_at)
            for row in self._connection.execute(_EXHAUSTED, kinds)
        ]

    def unreadable(self) -> list[UnreadableWork]:
        """Return open rows that cannot be decoded.

        These are of unknown kinds or versions, or were sent and not claimed.
        """
        known = {"kinds": list(KINDS), "versions": [version_of(kind) for kind in KINDS]}
        rows = self._connection.execute(_SUSPECT, known).all()
        return [
            UnreadableWork(
                reaction_id=row.reaction_id,
                order_id=OrderId(row.order_id),
                kind=row.kind,
                version=row.arguments_version,
                since=row.first_due_at,
            )
            for row in rows
            if not is_readable(row)
        ]

    def rewrite(self, reactions: Iterable[ScheduledReaction]) -> None:
        self._connection.execute(_REWRITE, {"reactions": as_json(_rows(reactions))})
