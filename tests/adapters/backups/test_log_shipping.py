"""A log file that cannot be archived stops no other."""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.backups.log_shipping import WaitingLog, ship
from adapters.backups.vault import WalArchive
from domain.order.values import Sha256
from domain.ports.errors import ObjectDiffersError
from tests.doubles.container import InMemoryShop

NAMES = [f"0000000100000000000000B{number}" for number in range(1, 4)]


def test_a_file_that_was_archived_with_other_bytes_stops_no_other(tmp_path: Path) -> None:
    archive = WalArchive(
        InMemoryShop().storage, [b"a key of backups, thirty-two characters"], "7000000000000000001"
    )
    archive.push(NAMES[0], b"first", Sha256(hashlib.sha256(b"first").hexdigest()))
    for name in NAMES:
        (tmp_path / name).write_bytes(f"now {name}".encode())
    with capture_logs() as logs, pytest.raises(ObjectDiffersError):
        ship(tmp_path, archive)
    assert [(line["event"], line["name"]) for line in logs] == [("log_file_differs", NAMES[0])]
    assert [path.name for path in tmp_path.iterdir()] == NAMES[:1]
    assert b"".join(archive.fetch(NAMES[0])) == b"first"
    assert b"".join(archive.fetch(NAMES[2])) == f"now {NAMES[2]}".encode()


def test_the_oldest_file_says_since_when_the_log_waits(tmp_path: Path) -> None:
    waiting = WaitingLog(tmp_path)
    assert waiting() is None
    for name, written in ((f"{NAMES[0]}.part", 100), (NAMES[1], 300), (NAMES[2], 200)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (written, written))
    assert waiting() == datetime.fromtimestamp(200, UTC)
    archive = WalArchive(
        InMemoryShop().storage, [b"a key of backups, thirty-two characters"], "7000000000000000001"
    )
    ship(tmp_path, archive)
    assert waiting() is None
    assert WaitingLog(tmp_path / "elsewhere")() is None


def test_a_process_that_cannot_archive_knows_since_when(tmp_path: Path) -> None:
    folder = tmp_path / "not-mounted"
    archive = WalArchive(
        InMemoryShop().storage, [b"a key of backups, thirty-two characters"], "7000000000000000001"
    )
    waiting = WaitingLog(folder)
    assert waiting() is None, "another process may archive"
    began_at = datetime.now(UTC)
    with pytest.raises(FileNotFoundError):
        waiting.ship(archive)
    since = waiting()
    assert since is not None
    assert began_at <= since <= datetime.now(UTC)
    with pytest.raises(FileNotFoundError):
        waiting.ship(archive)
    assert waiting() == since
    folder.mkdir()
    (folder / NAMES[0]).write_bytes(b"first")
    assert waiting.ship(archive) == 1
    folder.rmdir()
    assert waiting() is None, "nothing is known to wait until it fails again"
