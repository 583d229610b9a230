"""Time and ids from the machine the shop runs on."""

import secrets
import time
from datetime import UTC, datetime
from uuid import UUID

_RANDOM_BITS = 74
_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current moment, UTC."""
        return datetime.now(UTC)


class TimeOrderedIds:
    """Ids of RFC 9562's version 7: 48 bits of milliseconds, then chance. PostgreSQL likes them for their order."""

    def new(self) -> UUID:
        """A fresh id; of two made in the same millisecond either may sort first."""
        milliseconds = time.time_ns() // 1_000_000
        chance = secrets.randbits(_RANDOM_BITS)
        first, second = chance >> 62, chance & ((1 << 62) - 1)
        return UUID(int=(milliseconds << 80) | _VERSION_7 | (first << 64) | _VARIANT | second)
