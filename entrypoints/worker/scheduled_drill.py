"""The scheduled restore drill: once per interval, by one of the workers."""

import os
import shutil
import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import structlog

from domain.ports.backups import UnusableBackupError
from domain.ports.errors import OutsideError
from domain.use_cases.recovery.restore_drill import LONGEST_DRILL
from entrypoints.bootstrap.restores import Drill
from entrypoints.command_errors import CommandFailedError

#: How the folders of drills begin, in TMPDIR.
PREFIX = "restore-drill-"

_log = structlog.get_logger(__name__)


def drill_if_due(drill: Drill, interval: timedelta) -> None:
    """Try to restore the newest backup if due; log the outcome."""
    remove_leftovers()
    try:
        with TemporaryDirectory(prefix=PREFIX) as folder:
            report = drill.run_if_due(Path(folder), interval)
    except UnusableBackupError as error:
        _log.error("restore_drill_failed", backup_id=error.backup_id, problem=str(error))
        return
    except (OutsideError, CommandFailedError) as error:
        _log.error("restore_drill_not_tried", problem=str(error))
        return
    if report is None:
        return
    if report.is_undecided:
        _log.error("restore_drill_not_tried", backup_id=report.backup_id, problem="not_compared")
    elif report.problems:
        _log.error("restore_drill_failed", backup_id=report.backup_id, problems=list(report.problems))
    else:
        _log.info("restore_drill_passed", backup_id=report.backup_id, events=report.events)


def remove_leftovers() -> None:
    """Remove the folders of drills whose workers were killed.

    They hold the shop's database without encryption.
    """
    oldest = time.time() - LONGEST_DRILL.total_seconds()
    for folder in Path(gettempdir()).glob(f"{PREFIX}*"):
        found = folder.lstat()
        if found.st_uid == os.geteuid() and found.st_mtime < oldest:
            # Another worker may remove it at the same time; what is left is removed before the next drill.
            shutil.rmtree(folder, ignore_errors=True)
