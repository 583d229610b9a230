"""Checks shared by all webhook signatures."""

import hmac
from collections.abc import Iterable

from domain.ports.clock import Clock
from domain.ports.errors import ForgedMessageError

#: Limits replays, with a margin for clock drift and slow networks.
TOLERANCE_SECONDS = 300.0

_LONGEST_TIMESTAMP = 12


def check_age(provider: str, timestamp: str, clock: Clock, tolerance_seconds: float) -> None:
    """Raise ForgedMessageError unless ``timestamp`` (Unix seconds) is recent."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _LONGEST_TIMESTAMP):
        raise ForgedMessageError(provider, "its signature has no valid timestamp")
    age_seconds = clock.now().timestamp() - int(timestamp)
    if abs(age_seconds) > tolerance_seconds:
        raise ForgedMessageError(provider, f"its signature is {age_seconds:.0f} seconds old")


def matches_any(expected: Iterable[bytes], given: Iterable[bytes]) -> bool:
    """Compare signatures in constant time; True if one matches."""
    candidates = list(given)
    return any(hmac.compare_digest(one, other) for one in expected for other in candidates)
