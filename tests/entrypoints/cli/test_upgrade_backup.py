"""An upgrade makes a backup first, or does not migrate."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from sandbox.services.seaweedfs_server import S3
from tests.contracts.stored_streams import facts, take_order
from tests.entrypoints.support.archiving_cluster import environment_of, running
from tests.entrypoints.support.next_version import ADDITION, newest, revision
from tests.entrypoints.support.shell import Shell


@pytest.fixture
def restoreclick(
    own_database_url: str, bucket: S3, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """The command line of a shop whose first backup is due."""
    environment = {
        **environment_of(bucket),
        "DATABASE_URL": own_database_url,
        "BACKUP_KIND": "logical",
        # A key of its own, so that no test finds another's backups.
        "BACKUP_KEY": f"the key of the backups of {own_database_url}",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Shell(capsys)


def listed(restoreclick: Shell) -> dict[str, Any]:
    """The backups in the bucket, and the record of their runs."""
    answer = restoreclick("backup", "list", "--json")
    assert answer.status == 0, answer
    return dict(json.loads(answer.out))


def test_the_backup_before_an_upgrade_has_the_log_and_the_schema_from_before(
    restoreclick: Shell,
    own_database_url: str,
    next_version: Callable[[str], None],
    unit_of_work: PostgresUnitOfWork,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    order = take_order(unit_of_work, facts())
    next_version(ADDITION)
    answer = restoreclick("upgrade")
    assert (answer.status, revision(own_database_url)) == (0, "9999"), answer
    (backup,) = listed(restoreclick)["backups"]
    assert f"Backup {backup['backup_id']} was made before the upgrade.\n" in answer.err
    with running(tmp_path / "cluster") as fresh:
        monkeypatch.setenv("DATABASE_URL", fresh.url)
        assert restoreclick("restore", "--logical").status == 0
        assert revision(fresh.url) == newest()
        with (
            closing(PostgresUnitOfWork(fresh.url, connections=1)) as restored,
            restored.transaction() as found,
        ):
            assert found.event_store.load(order.order_id) == order


def test_a_recent_backup_is_not_made_again(
    restoreclick: Shell, own_database_url: str, next_version: Callable[[str], None]
) -> None:
    assert restoreclick("backup").status == 0
    next_version(ADDITION)
    answer = restoreclick("upgrade")
    assert (answer.status, revision(own_database_url)) == (0, "9999"), answer
    assert "was made before the upgrade" not in answer.err
    assert len(listed(restoreclick)["backups"]) == 1


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        pytest.param("BACKUP_S3_SECRET_KEY", "of-another-account", "refuse", id="storage refuses"),
        pytest.param("BACKUP_S3_ENDPOINT", "http://127.0.0.1:9", "is not available", id="storage off"),
        pytest.param("POSTGRESQL_PROGRAMS", "/no-such-folder", "pg_dump", id="program"),
        pytest.param("BACKUP_KEY", "too short", "BACKUP_KEY", id="key"),
    ],
)
def test_an_upgrade_whose_backup_fails_changes_nothing(
    restoreclick: Shell,
    own_database_url: str,
    next_version: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    value: str,
    message: str,
) -> None:
    next_version(ADDITION)
    monkeypatch.setenv(setting, value)
    answer = restoreclick("upgrade")
    assert answer.status != 0
    assert message in answer.err, answer
    assert "was made before the upgrade" not in answer.err
    assert revision(own_database_url) == newest()
    with psycopg.connect(own_database_url) as connection:
        columns = connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'orders'"
        ).fetchall()
    assert ("colour",) not in columns


def test_after_a_backup_that_failed_the_upgrade_can_be_run_again(
    restoreclick: Shell,
    own_database_url: str,
    next_version: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    next_version(ADDITION)
    with monkeypatch.context() as off:
        off.setenv("BACKUP_S3_ENDPOINT", "http://127.0.0.1:9")
        assert restoreclick("upgrade").status != 0
    assert restoreclick("upgrade").status == 0
    assert revision(own_database_url) == "9999"
    assert len(listed(restoreclick)["backups"]) == 1
