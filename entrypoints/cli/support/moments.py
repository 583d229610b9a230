"""Moments as people write them in an option."""

import re
from datetime import UTC, datetime, timedelta

from entrypoints.command_errors import MisuseError

_SPAN = re.compile(r"(\d{1,5})([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


class UnknownMomentError(MisuseError):
    """The text is no moment, or one in the future."""

    def __init__(self, written: str) -> None:
        self.written = written
        super().__init__(
            f"{written!r} is no moment in the past: write 7d, 12h, 30m, or a date such as 2026-11-22, perhaps with a"
            ' time (UTC) as in "2026-11-22 14:05".'
        )


def moment(written: str, now: datetime) -> datetime:
    """Parse ``7d``, ``12h``, ``30m`` or an ISO date, perhaps with a time.

    The time zone is UTC by default. Raises UnknownMomentError.
    """
    span = _SPAN.fullmatch(written.strip())
    try:
        if span is not None:
            meant = now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        else:
            meant = datetime.fromisoformat(written.strip())
    except (ValueError, OverflowError) as error:
        raise UnknownMomentError(written) from error
    meant = meant if meant.tzinfo is not None else meant.replace(tzinfo=UTC)
    if meant > now:
        raise UnknownMomentError(written)
    return meant
