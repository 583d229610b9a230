"""The timeline that a restore has to follow.

A restored cluster begins a new timeline. Without a word, PostgreSQL follows the newest one in the archive, also if it
began before the backup, as that of a copy that was restored for a look; it then refuses to start.
"""

from adapters.backups.vault import WalArchive, is_log_file

_HISTORY = ".history"
_SEGMENT_NAME_STARTS = 8  # a log file is named by its timeline, and then by its position


def timeline_after(archive: WalArchive, log_file: str) -> int:
    """The newest timeline that continues a backup begun in this file."""
    own, position = int(log_file[:8], 16), log_file[_SEGMENT_NAME_STARTS:24]
    histories = [name for name in archive.names(log_file) if name.endswith(_HISTORY)]
    newest = own
    for name in sorted(histories):
        timeline = int(name.removesuffix(_HISTORY), 16)
        forks = _forks(b"".join(archive.fetch(name)).decode())
        if timeline > newest and own in forks and _is_after(forks[own], position, archive, log_file):
            newest = timeline
    return newest


def _forks(history: str) -> dict[int, int]:
    """The position at which each earlier timeline was left."""
    lines = (line.split() for line in history.splitlines() if line.strip() and not line.startswith("#"))
    return {int(words[0]): _position(words[1]) for words in lines}


def _position(written: str) -> int:
    high, _, low = written.partition("/")
    return int(high, 16) << 32 | int(low, 16)


def _is_after(fork: int, position: str, archive: WalArchive, log_file: str) -> bool:
    """Whether a timeline was left behind the beginning of a file."""
    segment_bytes = _segment_bytes(archive, log_file)
    segments = (1 << 32) // segment_bytes
    return fork >= (int(position[:8], 16) * segments + int(position[8:], 16)) * segment_bytes


def _segment_bytes(archive: WalArchive, log_file: str) -> int:
    """The size of all files of the log, from one of them."""
    name = next((name for name in archive.names(log_file) if is_log_file(name) and "." not in name), None)
    return sum(map(len, archive.fetch(name))) if name is not None else 16 * 1024 * 1024
