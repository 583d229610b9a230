"""Shipping of log files that PostgreSQL left in a folder."""

import hashlib
from pathlib import Path

from adapters.backups.vault import WalArchive
from domain.order.values import Sha256

#: The ending of a file that is being written; it is renamed when it is complete.
UNFINISHED = ".part"


def ship(folder: Path, archive: WalArchive) -> int:
    """Archive the files of a folder, oldest first, and delete them.

    Several processes may do so at once: a file is stored once, and deleted only then. Raises UnavailableError, or
    ObjectDiffersError for a file whose name was archived with another content, which stays.
    """
    shipped = 0
    for path in sorted(folder.iterdir()):
        if path.suffix == UNFINISHED or not path.is_file():
            continue
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue  # another process was first
        archive.push(path.name, content, Sha256(hashlib.sha256(content).hexdigest()))
        path.unlink(missing_ok=True)
        shipped += 1
    return shipped
