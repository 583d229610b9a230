"""What every signed message has to pass besides its signature."""

import hmac
from collections.abc import Iterable

from domain.ports.clock import Clock
from domain.ports.errors import ForgedMessageError

#: An old message may be a replay, one from the future cannot be ours; clocks and networks are allowed this much.
TOLERANCE_SECONDS = 300.0

_LONGEST_TIMESTAMP = 12


def check_age(provider: str, timestamp: str, clock: Clock, tolerance_seconds: float) -> None:
    """Raise ForgedMessageError unless a message signed at ``timestamp`` (seconds since 1970) is fresh."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _LONGEST_TIMESTAMP):
        raise ForgedMessageError(provider, "it tells no time of its signature")
    age_seconds = clock.now().timestamp() - int(timestamp)
    if abs(age_seconds) > tolerance_seconds:
        raise ForgedMessageError(provider, f"its signature is {age_seconds:.0f} seconds old")


def is_any(expected: Iterable[bytes], given: Iterable[bytes]) -> bool:
    """Whether a given signature is an expected one, in a time that tells nothing of how near it came."""
    candidates = list(given)
    return any(hmac.compare_digest(one, other) for one in expected for other in candidates)
