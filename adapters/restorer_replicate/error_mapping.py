"""What Replicate's text about a failure means: there is no other sign than words and a few `E` codes in it."""

import re

from domain.order.values import FailureReason

_MEANINGS = (
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
    """Sort a failure; whatever is not the picture's fault may go better another time."""
    for reason, pattern in _MEANINGS:
        if re.search(pattern, error, re.IGNORECASE):
            return reason
    return FailureReason.PROVIDER_ERROR
