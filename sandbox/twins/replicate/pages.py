"""Pages of lists: a cursor has a border entry and a direction."""

import base64
import binascii

from sandbox.twins.common import Json
from sandbox.twins.replicate.errors import ReplicateError

PAGE_SIZE = 100


class InvalidCursorError(ReplicateError):
    """The cursor is malformed or unknown."""

    def __init__(self) -> None:
        super().__init__(400, "Invalid cursor", "The cursor is not valid.")


def page_of(newest_first: list[Json], cursor: str | None, address: str) -> Json:
    """Return a cursor's page with its neighbours' addresses; raise InvalidCursorError.

    Without a cursor, the first page.
    """
    start = 0
    if cursor is not None:
        direction, border = _read(cursor)
        places = [place for place, entry in enumerate(newest_first) if entry["id"] == border]
        if not places:
            raise InvalidCursorError
        start = places[0] + 1 if direction == "after" else max(0, places[0] - PAGE_SIZE)
    results = newest_first[start : start + PAGE_SIZE]
    more = start + PAGE_SIZE < len(newest_first)
    return {
        "previous": f"{address}?cursor={_written('before', results[0])}" if start and results else None,
        "next": f"{address}?cursor={_written('after', results[-1])}" if more else None,
        "results": results,
    }


def _written(direction: str, entry: Json) -> str:
    return base64.urlsafe_b64encode(f"{direction}:{entry['id']}".encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[str, str]:
    try:
        direction, _, border = base64.urlsafe_b64decode(cursor + "==").decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidCursorError from error
    return direction, border
