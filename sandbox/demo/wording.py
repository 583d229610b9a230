"""Numbers, durations, sizes and money as the demo prints them."""

from collections.abc import Sequence
from datetime import timedelta

_MINUTE_SECONDS = 60
_KILOBYTE = 1000


def counted(number: int, thing: str) -> str:
    """``1 photo``, ``3 photos``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def listed(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def duration_text(span: timedelta) -> str:
    """``0.142 s``, ``12.3 s``, ``4 min 5 s``."""
    seconds = span.total_seconds()
    if round(seconds, 3) < 1:
        return f"{seconds:.3f} s"
    if round(seconds, 1) < _MINUTE_SECONDS:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, rest = divmod(round(seconds), _MINUTE_SECONDS)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def size_text(size_bytes: int) -> str:
    """``191 kB``, ``3.4 MB``."""
    if size_bytes < _KILOBYTE**2:
        return f"{size_bytes / _KILOBYTE:.0f} kB"
    return f"{size_bytes / _KILOBYTE**2:.1f} MB"


def major(amount: int) -> str:
    """``4.90`` for 490: the local shop's currency has cents."""
    return f"{amount / 100:.2f}"


def money(amount: int, currency: str) -> str:
    """``4.90 EUR`` for 490 cents."""
    return f"{major(amount)} {currency}"
