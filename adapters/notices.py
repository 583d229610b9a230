"""What the readers of the providers' notices have in common besides signatures."""

from uuid import UUID


def our_id(told: str | None) -> UUID | None:
    """One of our ids, as we gave it to a provider with what we asked for; none where anything else stands."""
    try:
        return UUID(told or "")
    except ValueError:
        return None
