"""What the readers of the providers' notices have in common besides signatures."""

import re
from uuid import UUID

#: Providers' codes and classes, as in `insufficient_funds`, `5.1.1`, `Invalid Address`: no sentence, and no address.
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,39}")


def our_id(told: str | None) -> UUID | None:
    """One of our ids, as we gave it to a provider with what we asked for; none where anything else stands."""
    try:
        return UUID(told or "")
    except ValueError:
        return None


def plain_code(told: str | None) -> str | None:
    """A provider's code for what happened; none where anything else stands, for that may be about a person."""
    return told if told is not None and _CODE.fullmatch(told) else None
