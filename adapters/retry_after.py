"""Parsing of the Retry-After header."""

import math

from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

#: Longer waits are capped to this.
LONGEST_WAIT_SECONDS = 3600.0


def wait_seconds(header: str | None) -> float | None:
    """Return the wait in seconds, from a number or an HTTP date.

    None without a valid header. A date in the past is no wait. Fractions of a second are accepted as well: some
    providers send them, although RFC 9110 (section 10.2.3) does not allow them.
    """
    if not header:
        return None
    try:
        seconds = _number(header)
        if seconds is None:
            seconds = float(Retry().parse_retry_after(header))
    except (InvalidHeader, OverflowError, ValueError):
        return None
    return min(seconds, LONGEST_WAIT_SECONDS) if seconds >= 0 else None


def _number(header: str) -> float | None:
    try:
        seconds = float(header)
    except ValueError:
        return None
    if math.isnan(seconds):
        raise ValueError(header)
    return seconds
