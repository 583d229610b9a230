from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from adapters.retry_after import LONGEST_WAIT_SECONDS, wait_seconds


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("86400", LONGEST_WAIT_SECONDS),
        ("inf", LONGEST_WAIT_SECONDS),
        ("Sun, 22 Nov 2020 12:00:00 GMT", 0),
        ("Sun, 22 Nov 2099 12:00:00 GMT", LONGEST_WAIT_SECONDS),
    ],
)
def test_a_wait_is_read_as_seconds_or_as_a_date(header: str, seconds: float) -> None:
    assert wait_seconds(header) == seconds


def test_a_date_to_come_is_a_wait_until_then() -> None:
    header = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    assert wait_seconds(header) == pytest.approx(600, abs=5)


@pytest.mark.parametrize("header", [None, "", "-1", "nan", "soon", "22 November"])
def test_an_invalid_wait_is_ignored(header: str | None) -> None:
    assert wait_seconds(header) is None
