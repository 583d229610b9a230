"""The scheduled restore drill: once per interval, by one of the workers."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from domain.ports.errors import OutsideError
from entrypoints.bootstrap.restores import Drill
from entrypoints.command_errors import CommandFailedError

_log = structlog.get_logger(__name__)


def drill_if_due(drill: Drill, interval: timedelta) -> None:
    """Try to restore the newest backup if due; log the outcome."""
    try:
        with TemporaryDirectory(prefix="restore-drill-") as folder:
            report = drill.run_if_due(Path(folder), interval)
    except (OutsideError, CommandFailedError) as error:
        _log.error("restore_drill_failed", problem=str(error))
        return
    if report is None:
        return
    if report.problems:
        _log.error("restore_drill_failed", backup_id=report.backup_id, problems=list(report.problems))
    else:
        _log.info("restore_drill_passed", backup_id=report.backup_id, events=report.events)
