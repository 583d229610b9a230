"""The time at which a server answered, by its own clock."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def answer_time(headers: Mapping[str, str]) -> datetime | None:
    """Parse the Date header; None without a valid one."""
    date = next((value for name, value in headers.items() if name.lower() == "date"), "")
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except ValueError:
        return None
