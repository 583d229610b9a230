"""The scheduled backup: once per interval, however many workers there are."""

from datetime import timedelta

import structlog

from domain.ports.backups import BackupKind
from domain.ports.errors import OutsideError
from domain.use_cases.recovery.backups import Backups

_log = structlog.get_logger(__name__)


def back_up_if_due(backups: Backups, kind: BackupKind, interval: timedelta) -> None:
    """Make a backup if it is due, and log how it ended.

    One that failed is recorded, and tried again by whichever worker asks first.
    """
    try:
        manifest = backups.make_if_due(kind, interval)
    except OutsideError as error:
        _log.error("backup_failed", kind=kind, problem=str(error))
        return
    if manifest is not None:
        _log.info(
            "backup_made",
            backup_id=manifest.backup_id,
            size_bytes=manifest.size_bytes,
            objects=manifest.objects.count,
        )
