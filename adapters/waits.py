"""How long a provider asks us to wait."""

#: Nobody is believed who asks for more.
LONGEST_WAIT_SECONDS = 3600.0


def wait_seconds(told: str | None) -> float | None:
    """Read a number of seconds as `Retry-After` tells it; None where none is told, or a date."""
    try:
        seconds = float(told or "")
    except ValueError:
        return None
    return min(seconds, LONGEST_WAIT_SECONDS) if seconds >= 0 else None
