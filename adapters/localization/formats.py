"""English formats of numbers, durations, sizes, dates and lists."""

from collections.abc import Sequence
from datetime import datetime, timedelta

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_KILOBYTE = 1000


def counted(number: int, thing: str) -> str:
    """``1 photo``, ``3 photos``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def every(photos: int, one: str, many: str) -> str:
    """``the photo is``, ``both photos are``, ``all 3 photos are``."""
    if photos == 1:
        return f"the photo {one}"
    return f"both photos {many}" if photos == 2 else f"all {photos} photos {many}"  # noqa: PLR2004 -- a pair


def listed(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def alternatives(parts: Sequence[str]) -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    return " or ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def ordinal(number: int) -> str:
    """``first`` to ``tenth``, then ``11th``."""
    if number <= len(_ORDINALS):
        return _ORDINALS[number - 1]
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number // 10 % 10 != 1 else 0, "th")
    return f"{number}{suffix}"


def duration_text(span: timedelta) -> str:
    """``0.142 s``, ``12.3 s``, ``3 h 20 min``, ``2 days 4 h``."""
    seconds = span.total_seconds()
    if seconds < 0.9995:  # noqa: PLR2004 -- what rounds to a second is said as one
        return f"{seconds:.3f} s"
    if seconds < 59.95:  # noqa: PLR2004 -- what rounds to a minute is said as one
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 -- an hour
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:  # noqa: PLR2004 -- a day
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{counted(days, 'day')} {hours} h" if hours else counted(days, "day")


def size_text(size_bytes: int) -> str:
    """A size as people say it: ``812 bytes``, ``191 kB``, ``3.4 MB``."""
    if size_bytes < _KILOBYTE:
        return counted(size_bytes, "byte")
    if round(size_bytes / _KILOBYTE) < _KILOBYTE:
        return f"{size_bytes / _KILOBYTE:.0f} kB"
    return f"{size_bytes / _KILOBYTE**2:.1f} MB"


def date_text(moment: datetime) -> str:
    """``22 November 2026``."""
    return f"{moment.day} {moment:%B %Y}"


def capitalised(sentence: str) -> str:
    """The sentence with a capital at its beginning."""
    return sentence[:1].upper() + sentence[1:]


def in_plain_words(code: str) -> str:
    """A provider's code as people would write it."""
    return code.replace("_", " ").rstrip(".")
