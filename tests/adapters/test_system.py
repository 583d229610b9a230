import errno
import os
import resource
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import RFC_4122

import pytest

from adapters.system import TemporaryFiles, TimeOrderedIds
from domain.ports.errors import UnavailableError
from tests.doubles.clock import SystemClock


def test_the_clock_shows_utc() -> None:
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=1)


def test_an_id_is_a_version_7_of_this_millisecond() -> None:
    before = time.time_ns() // 1_000_000
    made = TimeOrderedIds().new()
    after = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (7, RFC_4122)
    assert before <= made.int >> 80 <= after


def test_ids_sort_by_the_millisecond_they_were_made_in() -> None:
    ids = TimeOrderedIds()
    made = [ids.new() for _ in range(5_000)]
    assert len(set(made)) == len(made)
    assert [one.int >> 80 for one in made] == sorted(one.int >> 80 for one in made)


def test_scratch_is_empty_and_gone_at_the_end() -> None:
    with TemporaryFiles().file() as file:
        assert file.read() == b""
        file.write(b"negative")
        file.seek(0)
        assert file.read() == b"negative"
    assert file.closed


@pytest.fixture
def files_of_one_mebibyte() -> Iterator[None]:
    """Limit files of this process to a mebibyte, like a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * 1024, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("files_of_one_mebibyte")
def test_scratch_that_is_full_is_not_available(tmp_path: Path) -> None:
    says = rf"{tmp_path} is full \(File too large\); free some space"
    with pytest.raises(UnavailableError, match=says) as full, TemporaryFiles(tmp_path).file() as file:
        file.write(bytes(16 * 1024 * 1024))
    assert full.value.retry_after_seconds
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_during_use_of_scratch_is_unavailable(reason: int) -> None:
    with pytest.raises(UnavailableError, match="is full"), TemporaryFiles().file():
        raise OSError(reason, os.strerror(reason))


def test_another_system_error_is_not_a_full_disk() -> None:
    with pytest.raises(PermissionError), TemporaryFiles().file():
        raise PermissionError(errno.EACCES, "Permission denied")
