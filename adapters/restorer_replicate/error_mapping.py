"""Failure reasons by Replicate's error text, which has few error codes."""

import re

from domain.order.values import FailureReason

_PATTERNS = (
    (
        FailureReason.CONTENT_FILTER,
        r"nsfw|sensitive|flagged|moderated|safety (filter|checker|system)|\bE005\b",
    ),
    (
        FailureReason.REFUSED_INPUT,
        r"cannot identify image|(invalid|unsupported|corrupt)\w* (input|image|file)|input validation|\bE006\b",
    ),
)


def reason_for(error: str) -> FailureReason:
    """Classify a failure; PROVIDER_ERROR unless the picture is the cause."""
    for reason, pattern in _PATTERNS:
        if re.search(pattern, error, re.IGNORECASE):
            return reason
    return FailureReason.PROVIDER_ERROR
