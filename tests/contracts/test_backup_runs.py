"""Backups and drills on record: one of several workers runs each."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.ports.backup_runs import DueAfter, RunEnd, RunKind
from domain.ports.unit_of_work import Database
from tests.contracts.stored_streams import NOON, facts, take_order

HOUR = timedelta(hours=1)


def begins(unit_of_work: Database, now: datetime, kind: RunKind = RunKind.BACKUP) -> bool:
    due = DueAfter(succeeded=now - 24 * HOUR, failed=now - HOUR, unfinished=now - 6 * HOUR)
    with unit_of_work.transaction() as transaction:
        return transaction.backup_runs.begin(kind, now, due)


def end(unit_of_work: Database, began_at: datetime, kind: RunKind = RunKind.BACKUP, **how: Any) -> None:
    with unit_of_work.transaction() as transaction:
        transaction.backup_runs.end(kind, began_at, began_at + HOUR / 6, RunEnd(**how))


def test_a_backup_that_succeeded_counts_for_the_interval(unit_of_work: Database) -> None:
    assert begins(unit_of_work, NOON)
    end(unit_of_work, NOON, backup_id="first", size_bytes=7)
    assert not begins(unit_of_work, NOON + 23 * HOUR)
    assert begins(unit_of_work, NOON + 24 * HOUR)


def test_a_backup_that_failed_is_repeated_after_an_hour(unit_of_work: Database) -> None:
    assert begins(unit_of_work, NOON)
    end(unit_of_work, NOON, problem="no disk")
    assert not begins(unit_of_work, NOON + HOUR / 2)
    assert begins(unit_of_work, NOON + HOUR)


def test_a_backup_that_runs_or_crashed_is_repeated_after_six_hours(unit_of_work: Database) -> None:
    assert begins(unit_of_work, NOON)
    assert not begins(unit_of_work, NOON + 5 * HOUR)
    assert begins(unit_of_work, NOON + 6 * HOUR)


def test_drills_and_backups_take_no_turns_of_each_other(unit_of_work: Database) -> None:
    assert begins(unit_of_work, NOON)
    assert begins(unit_of_work, NOON, RunKind.DRILL)


def test_the_facts_are_of_the_newest_runs_that_ended(unit_of_work: Database) -> None:
    with unit_of_work.transaction() as transaction:
        none = transaction.backup_runs.facts()
    assert (none.newest_backup_at, none.newest_failure_at, none.newest_drill_at) == (None, None, None)
    ends: list[dict[str, Any]] = [
        {"size_bytes": 5},
        {"problem": "no disk"},
        {"backup_id": "third", "size_bytes": 7},
    ]
    for hours, how in enumerate(ends):
        with unit_of_work.transaction() as transaction:
            assert transaction.backup_runs.begin(RunKind.BACKUP, NOON + hours * HOUR)
        end(unit_of_work, NOON + hours * HOUR, **how)
    assert begins(unit_of_work, NOON + 30 * HOUR), "a run without an end is no fact yet"
    assert begins(unit_of_work, NOON, RunKind.DRILL)
    end(unit_of_work, NOON, RunKind.DRILL, backup_id="third", problem="the chain is broken")
    with unit_of_work.transaction() as transaction:
        found = transaction.backup_runs.facts()
    assert (found.newest_backup_at, found.newest_backup_size_bytes) == (NOON + 2 * HOUR, 7)
    assert (found.newest_failure_at, found.newest_failure) == (NOON + HOUR, "no disk")
    assert (found.newest_drill_at, found.newest_drill_problem) == (NOON, "the chain is broken")


@pytest.mark.parametrize("succeeded_later", [True, False])
def test_the_newest_drill_decides(unit_of_work: Database, *, succeeded_later: bool) -> None:
    with unit_of_work.transaction() as transaction:
        for moment in (NOON, NOON + HOUR):
            assert transaction.backup_runs.begin(RunKind.DRILL, moment)
    problems = ["broken", None] if succeeded_later else [None, "broken"]
    for moment, problem in zip((NOON, NOON + HOUR), problems, strict=True):
        end(unit_of_work, moment, RunKind.DRILL, backup_id="first", problem=problem)
    with unit_of_work.transaction() as transaction:
        assert transaction.backup_runs.facts().newest_drill_problem == problems[1]


def test_a_drill_without_a_backup_was_not_tried(unit_of_work: Database) -> None:
    with unit_of_work.transaction() as transaction:
        for moment in (NOON, NOON + HOUR):
            assert transaction.backup_runs.begin(RunKind.DRILL, moment)
    end(unit_of_work, NOON, RunKind.DRILL, backup_id="first", problem="broken")
    end(unit_of_work, NOON + HOUR, RunKind.DRILL, problem="no answer")
    with unit_of_work.transaction() as transaction:
        found = transaction.backup_runs.facts()
    assert (found.newest_drill_at, found.newest_drill_problem) == (NOON, "broken")
    assert (found.newest_untried_at, found.newest_untried_problem) == (NOON + HOUR, "no answer")


def test_without_an_archived_log_no_event_waits_for_it(unit_of_work: Database) -> None:
    take_order(unit_of_work, facts())
    with unit_of_work.transaction() as transaction:
        found = transaction.backup_runs.facts()
    assert (found.archives_log, found.unarchived_since) == (False, None)
