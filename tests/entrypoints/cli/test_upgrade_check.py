"""The check before an upgrade, and the upgrade."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from adapters.postgres import upgrade_facts
from adapters.postgres.clock import DatabaseClock
from adapters.postgres.schema_upgrade import downgrade
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.ports.backup_runs import RunEnd, RunKind
from entrypoints.bootstrap.upgrades import UpgradeCheck
from entrypoints.build_info import name_database_sessions, version
from entrypoints.cli.support.upgrade_printing import print_check
from tests.contracts.stored_streams import facts, take_order
from tests.entrypoints.support.next_version import ADDITION, newest, revision
from tests.entrypoints.support.shell import Answer, Shell


@pytest.fixture
def restoreclick(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    monkeypatch.setenv("DATABASE_URL", own_database_url)
    monkeypatch.delenv("BACKUP_KEY", raising=False)
    return Shell(capsys)


@pytest.fixture
def unit_of_work(own_database_url: str) -> Iterator[PostgresUnitOfWork]:
    with closing(PostgresUnitOfWork(own_database_url, connections=1)) as unit_of_work:
        yield unit_of_work


def record_backup(database_url: str, age: timedelta) -> None:
    with (
        closing(PostgresUnitOfWork(database_url, connections=1)) as unit_of_work,
        closing(DatabaseClock(database_url)) as clock,
        unit_of_work.transaction() as transaction,
    ):
        began_at: datetime = clock.now() - age
        transaction.backup_runs.begin(RunKind.BACKUP, began_at)
        transaction.backup_runs.end(RunKind.BACKUP, began_at, began_at, RunEnd(size_bytes=7))


def checked(answer: Answer) -> dict[str, Any]:
    return dict(json.loads(answer.out))


def test_a_current_schema_needs_no_upgrade(restoreclick: Shell) -> None:
    answer = restoreclick("upgrade", "--check")
    assert answer.status == 0
    assert f"The schema is at {newest()}: it is the one of version {version()}." in answer.out


def test_the_migrations_that_are_missing_are_listed_with_what_they_do(
    restoreclick: Shell, own_database_url: str
) -> None:
    downgrade(own_database_url, "0027")
    answer = restoreclick("upgrade", "--check")
    assert answer.status == 1
    assert f" migrations to {newest()} of version" in answer.out
    assert "  0028 Links may be for others" in answer.out
    assert "Running processes may go on" in answer.out


def test_a_schema_that_records_no_backups_is_copied_by_postgresql_itself(
    restoreclick: Shell, own_database_url: str
) -> None:
    downgrade(own_database_url, "0029")
    answer = restoreclick("upgrade")
    assert answer.status == 1
    assert "make a copy with `pg_basebackup` or `pg_dump`" in answer.out
    assert "`restoreclick db upgrade`" in answer.out
    assert "with `restoreclick backup`" not in answer.out


def test_a_schema_that_records_backups_gets_one_by_this_version(
    restoreclick: Shell, own_database_url: str
) -> None:
    downgrade(own_database_url, "0030")
    answer = restoreclick("upgrade", "--check")
    assert answer.status == 1
    assert "No backup of the last 24 hours is on record: make one with `restoreclick backup`." in answer.out


@pytest.mark.parametrize(
    ("directory", "advice"), [(None, "GRANT pg_read_all_settings"), (Path("/elsewhere"), "compare with `df`")]
)
def test_unknown_free_space_is_reported_as_unknown(
    capsys: pytest.CaptureFixture[str], directory: Path | None, advice: str
) -> None:
    known = upgrade_facts.UpgradeFacts(
        revision="0030",
        is_newer=False,
        pending=(),
        database_bytes=1,
        largest_table_bytes=1,
        data_directory=directory,
        unknown_events=(),
        sessions={},
    )
    check = UpgradeCheck(
        program_version="0.2.0",
        facts=known,
        free_bytes=None,
        newest_backup_at=None,
        other_versions={},
        obstacles=(),
    )
    print_check(check, as_json=False)
    printed = capsys.readouterr().out
    assert "how much is free is unknown" in printed
    assert advice in printed


def test_an_upgrade_without_a_recent_backup_changes_nothing(
    restoreclick: Shell, own_database_url: str, next_version: Callable[[str], None]
) -> None:
    next_version(ADDITION)
    record_backup(own_database_url, timedelta(hours=25))
    answer = restoreclick("upgrade")
    assert answer.status == 1
    assert "No backup of the last 24 hours" in answer.out
    assert "Nothing was changed" in answer.err
    assert revision(own_database_url) == newest()


def test_an_upgrade_with_a_recent_backup_migrates(
    restoreclick: Shell, own_database_url: str, next_version: Callable[[str], None]
) -> None:
    next_version(ADDITION)
    record_backup(own_database_url, timedelta(hours=23))
    assert checked(restoreclick("upgrade", "--check", "--json"))["obstacles"] == []
    answer = restoreclick("upgrade")
    assert (answer.status, revision(own_database_url)) == (0, "9999"), answer


def test_older_processes_are_in_the_way_only_of_a_migration_that_ends_them(
    restoreclick: Shell, own_database_url: str, next_version: Callable[[str], None]
) -> None:
    record_backup(own_database_url, timedelta())
    with psycopg.connect(own_database_url, application_name="restoreclick 0.0.9 worker"):
        next_version("UPDATE schema_compatibility SET oldest_program = '9999'")
        ended = checked(restoreclick("upgrade", "--check", "--json"))
    assert (ended["obstacles"], ended["is_rolling"]) == (["older_processes"], False)
    assert ended["other_versions"] == {"0.0.9": 1}
    answer = restoreclick("upgrade")
    assert (answer.status, revision(own_database_url)) == (0, "9999"), answer


def test_older_processes_may_go_on_during_a_migration_that_only_adds(
    restoreclick: Shell, own_database_url: str, next_version: Callable[[str], None]
) -> None:
    next_version(ADDITION)
    record_backup(own_database_url, timedelta())
    with psycopg.connect(own_database_url, application_name="restoreclick 0.0.9 serve"):
        answer = restoreclick("upgrade", "--check")
    assert answer.status == 0
    assert "1 session of version 0.0.9." in answer.out


def test_a_disk_that_cannot_hold_another_index_is_an_obstacle(
    restoreclick: Shell,
    own_database_url: str,
    next_version: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    next_version(ADDITION)
    record_backup(own_database_url, timedelta())
    full = SimpleNamespace(total=10**9, used=10**9, free=100)
    monkeypatch.setattr("entrypoints.bootstrap.upgrades.shutil.disk_usage", lambda _: full)
    answer = restoreclick("upgrade", "--check")
    assert answer.status == 1
    assert "less space than its largest table" in answer.out


def test_events_of_a_newer_version_are_named(
    restoreclick: Shell, own_database_url: str, unit_of_work: PostgresUnitOfWork
) -> None:
    take_order(unit_of_work, facts())
    with psycopg.connect(own_database_url) as connection:
        connection.execute(
            """INSERT INTO events (event_id, order_id, version, name, data, recorded_at, cause, cause_key,
                correlation_id, actor, previous_sha256, sha256)
            SELECT gen_random_uuid(), order_id, 2, 'order.photo_coloured.v1', '{}', now(), cause, 'later',
                correlation_id, actor, sha256, sha256 FROM events"""
        )
    answer = restoreclick("upgrade", "--check")
    assert answer.status == 1
    assert "Unknown events: order.photo_coloured.v1." in answer.out
    assert "install the version that recorded them" in answer.out


def test_a_newer_schema_is_in_the_way(restoreclick: Shell, own_database_url: str) -> None:
    with psycopg.connect(own_database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9042'")
    found = checked(restoreclick("upgrade", "--check", "--json"))
    assert (found["obstacles"], found["facts"]["is_newer"]) == (["schema_newer"], True)


def test_an_empty_database_needs_no_backup(restoreclick: Shell, own_database_url: str) -> None:
    with psycopg.connect(own_database_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    assert checked(restoreclick("upgrade", "--check", "--json"))["obstacles"] == []
    assert restoreclick("upgrade").status == 0
    assert revision(own_database_url) == newest()


@pytest.mark.parametrize("process", ["serve", "worker"])
def test_processes_name_themselves_and_their_version(process: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGAPPNAME", raising=False)
    name_database_sessions(process)
    assert os.environ["PGAPPNAME"] == f"restoreclick {version()} {process}"
