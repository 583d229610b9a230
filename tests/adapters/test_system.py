import time
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122

from adapters.system import SystemClock, TemporaryFiles, TimeOrderedIds


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
