"""Shipping of log files that PostgreSQL left in a folder."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import structlog

from adapters.backups.vault import WalArchive
from domain.order.values import Sha256
from domain.ports.errors import ObjectDiffersError

#: The ending of a file that is being written; it is renamed when it is complete.
UNFINISHED = ".part"

_log = structlog.get_logger(__name__)


class WaitingLog:
    """A folder of log files, and since when they wait for archiving."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._failing_since: datetime | None = None

    def __call__(self) -> datetime | None:
        """When the oldest file was left there; None if none waits.

        Of a folder that this process cannot look into, it is when its archiving began to fail: None if it is not the
        one that archives.
        """
        try:
            left = [path.stat().st_mtime for path in _files_in(self._folder)]
        except (FileNotFoundError, PermissionError):
            return self._failing_since
        return datetime.fromtimestamp(min(left), UTC) if left else None

    def ship(self, archive: WalArchive) -> int:
        """Archive the files; raise as the function does."""
        try:
            shipped = ship(self._folder, archive)
        except (FileNotFoundError, PermissionError):
            self._failing_since = self._failing_since or datetime.now(UTC)
            raise
        self._failing_since = None
        return shipped


def _files_in(folder: Path) -> list[Path]:
    """The complete files, oldest first."""
    return [path for path in sorted(folder.iterdir()) if path.suffix != UNFINISHED and path.is_file()]


def ship(folder: Path, archive: WalArchive) -> int:
    """Archive the files of a folder, oldest first, and delete them.

    Several processes may do so at once: a file is stored once, and deleted only then. Raises UnavailableError, or
    after the last file ObjectDiffersError for the first whose name was archived with another content; such files stay.
    """
    shipped = 0
    differing: ObjectDiffersError | None = None
    for path in _files_in(folder):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue  # another process was first
        try:
            archive.push(path.name, content, Sha256(hashlib.sha256(content).hexdigest()))
        except ObjectDiffersError as error:
            _log.error("log_file_differs", name=path.name)
            differing = differing or error
            continue
        path.unlink(missing_ok=True)
        shipped += 1
    if differing is not None:
        raise differing
    return shipped
