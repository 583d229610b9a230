"""The scheduled backup and drill: when they run, what they log."""

import os
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from domain.ports.backups import BackupFailedError, BackupKind, UnusableBackupError
from domain.use_cases.recovery.restore_drill import DrillProblem, DrillReport
from entrypoints.bootstrap.restores import Drill, NoSuchBackupError
from entrypoints.settings import read_settings
from entrypoints.worker.scheduled_backup import back_up_if_due
from entrypoints.worker.scheduled_drill import drill_if_due
from entrypoints.worker.scheduled_tasks import backup_tasks, drill_tasks, shipping_tasks
from tests.domain.use_cases.recovery.test_restore_drill import DrilledShop, lose_an_original
from tests.domain.use_cases.test_backups import BackedUpShop
from tests.entrypoints.cli.complete_settings import complete_settings

DAY = timedelta(days=1)


def test_a_backup_is_made_once_and_logged() -> None:
    shop = BackedUpShop()
    with capture_logs() as logs:
        for _ in range(2):
            back_up_if_due(shop.backups, BackupKind.PHYSICAL, DAY)
    (line,) = logs
    (made,) = shop.backups.all()
    assert (line["event"], line["backup_id"], line["size_bytes"]) == (
        "backup_made",
        made.backup_id,
        made.size_bytes,
    )


def test_a_backup_that_fails_is_logged_with_its_reason() -> None:
    shop = BackedUpShop()
    shop.copier.failure = BackupFailedError("pg_basebackup", "no space")
    with capture_logs() as logs:
        back_up_if_due(shop.backups, BackupKind.PHYSICAL, DAY)
    assert [(line["event"], line["problem"]) for line in logs] == [
        ("backup_failed", "pg_basebackup failed: no space")
    ]


class DrillOf(Drill):
    """A drill that ends like this, once."""

    def __init__(self, *ends: DrillReport | Exception | None) -> None:
        self._ends = list(ends)

    def run_if_due(self, folder: Path, interval: timedelta) -> DrillReport | None:
        assert (folder.is_dir(), interval) == (True, DAY)
        end = self._ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return end


def test_each_end_of_a_drill_is_logged() -> None:
    shop = DrilledShop()
    good = shop.drill()
    lose_an_original(shop)
    bad = shop.drill()
    undecided = replace(bad, problems=(DrillProblem.NOT_COMPARED,))
    unusable = UnusableBackupError("first", "it is cut off")
    drill = DrillOf(good, bad, unusable, NoSuchBackupError("backup"), undecided, None)
    with capture_logs() as logs:
        for _ in range(6):
            drill_if_due(drill, DAY)
    assert [line["event"] for line in logs] == [
        "restore_drill_passed",
        "restore_drill_failed",
        "restore_drill_failed",
        "restore_drill_not_tried",
        "restore_drill_not_tried",
    ]
    assert logs[1]["problems"] == ["differences"]


def test_what_killed_workers_left_of_drills_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name, age in (("restore-drill-old", 13), ("restore-drill-running", 11), ("other", 13)):
        (tmp_path / name / "data").mkdir(parents=True)
        then = time.time() - age * 3600
        os.utime(tmp_path / name, (then, then))
    drill_if_due(DrillOf(None), DAY)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "restore-drill-running"]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {**complete_settings(), "DATABASE_URL": "postgresql://shop@localhost/shop"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("BACKUP_KEY", raising=False)
    return monkeypatch


def test_without_a_key_or_an_interval_nothing_is_scheduled(environment: pytest.MonkeyPatch) -> None:
    shop = BackedUpShop()
    assert backup_tasks(None, read_settings()) == drill_tasks(read_settings()) == shipping_tasks(None) == []
    environment.setenv("BACKUP_KEY", "a key of backups, with fifty secret characters")
    assert [task.name for task in backup_tasks(shop.backups, read_settings())] == ["backups"]
    assert drill_tasks(read_settings()) == [], "drills are off until an interval is set"
    environment.setenv("BACKUP_INTERVAL_HOURS", "0")
    environment.setenv("BACKUP_DRILL_INTERVAL_HOURS", "168")
    assert backup_tasks(shop.backups, read_settings()) == []
    assert [task.name for task in drill_tasks(read_settings())] == ["restore_drill"]
