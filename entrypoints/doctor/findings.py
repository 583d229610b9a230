"""What an examination finds."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"  # the shop does not work, or loses something
    WARNING = "warning"  # it works, and something should be mended


@dataclass(frozen=True, kw_only=True)
class Fix:
    """A repair that creates what is the shop's own.

    ``plan`` says what would be done, as the rest of a sentence, and ``done`` is the sentence afterwards; ``do`` does it
    and returns settings to change, by name.
    """

    plan: str
    done: str
    do: Callable[[], dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One defect: a stable code, and a sentence with the mend."""

    code: str
    sentence: str
    severity: Severity = Severity.ERROR
    fix: Fix | None = None


@dataclass(frozen=True, kw_only=True)
class Check:
    """One look at one subject.

    ``look`` yields findings; an OutsideError that it raises becomes one, named after the subject. ``needs`` are the
    subjects without which it cannot look: their outage is reported there alone.
    """

    subject: str
    look: Callable[[], Iterable[Finding]]
    needs: Collection[str] = ()


def error(code: str, sentence: str, fix: Fix | None = None) -> Finding:
    """A finding that keeps the shop from working."""
    return Finding(code=code, sentence=sentence, fix=fix)


def warning(code: str, sentence: str) -> Finding:
    """A finding that should be mended."""
    return Finding(code=code, sentence=sentence, severity=Severity.WARNING)
