"""The data directory of a restored cluster."""

import sys
import tarfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any

from adapters.backups.vault import WalArchive
from domain.ports.backups import UndecryptableError

#: Only the server's user may read it; PostgreSQL refuses other permissions.
PERMISSIONS = 0o700

#: The folder, in the data directory, of a log that was fetched beforehand. Base backups leave out names that begin so.
FETCHED_LOG = "pgsql_tmp_fetched_log"

#: With this file, PostgreSQL starts only to replay the archived log.
RECOVERY_SIGNAL = "recovery.signal"

#: The system identifier is the first field of this file, in the machine's byte order.
CONTROL_FILE = Path("global", "pg_control")
IDENTIFIER_BYTES = 8


#: Python 3.11.2, which Debian 12 has, knows no filters; they came with 3.11.4.
_FILTER: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}


class _Stream(RawIOBase):
    """Chunks of bytes as a file to read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any writable buffer
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = chunk
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def unpack(chunks: Iterable[bytes], folder: Path) -> None:
    """Unpack a base backup into a folder; raise UndecryptableError."""
    with BufferedReader(_Stream(iter(chunks)), buffer_size=1024 * 1024) as stream:
        try:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                tar.extractall(folder, **_FILTER)  # noqa: S202 -- its encryption proves that it is our own
        except tarfile.TarError as error:
            raise UndecryptableError(f"it is no base backup ({error})") from error
    folder.chmod(PERMISSIONS)


def prepare_recovery(folder: Path, restore_command: str, timeline: int, at: datetime | None) -> None:
    """Have the server replay the archived log of a timeline.

    It ends at a moment, or with the log, and then accepts writes. A log that was fetched beforehand is deleted then.
    """
    settings = {"restore_command": restore_command, "recovery_target_action": "promote"}
    settings["recovery_target_timeline"] = str(timeline)
    # Empty ones undo those of an earlier restore, which the backup has in the same file.
    settings["recovery_end_command"] = f'rm -r "{FETCHED_LOG}"' if (folder / FETCHED_LOG).exists() else ""
    settings["recovery_target_time"] = at.isoformat() if at is not None else ""
    lines = [f"{name} = '{_quoted(value)}'\n" for name, value in settings.items()]
    with (folder / "postgresql.auto.conf").open("a") as file:
        file.write("# Written by restoreclick restore; without effect once the recovery has ended.\n")
        file.writelines(lines)
    (folder / RECOVERY_SIGNAL).touch()


def fetch_log(archive: WalArchive, since: str, folder: Path) -> str:
    """Fetch the archived log beforehand; return the restore_command for it."""
    target = folder / FETCHED_LOG
    target.mkdir(mode=PERMISSIONS)
    for name in archive.names(since):
        with (target / name).open("wb") as file:
            file.writelines(archive.fetch(name))
    return f'cp "{FETCHED_LOG}/%f" "%p"'


def cluster_of(data_directory: Path) -> str:
    """The system identifier of a cluster."""
    with (data_directory / CONTROL_FILE).open("rb") as file:
        return str(int.from_bytes(file.read(IDENTIFIER_BYTES), byteorder=sys.byteorder))


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")
