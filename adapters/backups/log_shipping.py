"""Shipping of log files that PostgreSQL left in a folder."""

import hashlib
from pathlib import Path

import structlog

from adapters.backups.vault import WalArchive
from domain.order.values import Sha256
from domain.ports.errors import ObjectDiffersError

#: The ending of a file that is being written; it is renamed when it is complete.
UNFINISHED = ".part"

_log = structlog.get_logger(__name__)


def ship(folder: Path, archive: WalArchive) -> int:
    """Archive the files of a folder, oldest first, and delete them.

    Several processes may do so at once: a file is stored once, and deleted only then. Raises UnavailableError, or
    after the last file ObjectDiffersError for the first whose name was archived with another content; such files stay.
    """
    shipped = 0
    differing: ObjectDiffersError | None = None
    for path in sorted(folder.iterdir()):
        if path.suffix == UNFINISHED or not path.is_file():
            continue
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
