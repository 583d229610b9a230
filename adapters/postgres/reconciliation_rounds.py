"""The schedule of reconciliations."""

from datetime import datetime

from sqlalchemy import Connection

from adapters.postgres.driver_sql import execute
from domain.ports.reconciliation_rounds import BegunRound, ReconciliationRounds, UnfinishedRound

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('restoreclick reconciliations'))"
_BEGIN = """INSERT INTO reconciliations (began_at)
    SELECT :now WHERE NOT EXISTS (SELECT FROM reconciliations WHERE began_at > :unless_since)
    RETURNING (SELECT max(began_at) FROM reconciliations WHERE ended_at IS NOT NULL) AS previous"""
_INTERRUPT = """UPDATE reconciliations SET since = :since, late_sides = :late_sides, findings = :findings,
        healed = :healed, is_flawed = :is_flawed
    WHERE began_at = :began_at"""
_NEWEST = """SELECT began_at, since, late_sides, findings, healed AS repaired, is_flawed
    FROM reconciliations ORDER BY began_at DESC LIMIT 1"""
_TAKE = "UPDATE reconciliations SET late_sides = NULL WHERE began_at = :began_at"
_END = """UPDATE reconciliations SET ended_at = :now, findings = :findings, healed = :healed
    WHERE began_at = :began_at"""


class PostgresReconciliationRounds(ReconciliationRounds):
    """The schedule of reconciliations on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, now: datetime, unless_since: datetime) -> BegunRound | None:
        """Record a beginning, unless there was one since.

        Concurrent callers wait until this transaction ends.
        """
        execute(self._connection, _ONE_AT_A_TIME, {})
        found = execute(self._connection, _BEGIN, {"now": now, "unless_since": unless_since}).fetchone()
        return None if found is None else BegunRound(previous=found.previous)

    def interrupt(self, unfinished: UnfinishedRound) -> None:
        lacking = {
            "began_at": unfinished.began_at,
            "since": unfinished.since,
            "late_sides": list(unfinished.late_sides),
            "findings": unfinished.findings,
            "healed": unfinished.repaired,
            "is_flawed": unfinished.is_flawed,
        }
        execute(self._connection, _INTERRUPT, lacking)

    def take_unfinished(self) -> UnfinishedRound | None:
        """Return and forget the missing sides.

        Concurrent callers wait until this transaction ends.
        """
        execute(self._connection, _ONE_AT_A_TIME, {})
        newest = execute(self._connection, _NEWEST, {}).fetchone()
        if newest is None or newest.late_sides is None:
            return None
        execute(self._connection, _TAKE, {"began_at": newest.began_at})
        found = newest._asdict()
        return UnfinishedRound(**found | {"late_sides": tuple(found["late_sides"])})

    def end(self, began_at: datetime, now: datetime, *, findings: int, healed: int) -> None:
        ended = {"began_at": began_at, "now": now, "findings": findings, "healed": healed}
        execute(self._connection, _END, ended)
