"""Uploads by tus on a line that breaks within a piece."""

import base64
import time
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import httpx2

from tests.chaos.visits import Experience, GaveUpError, require

if TYPE_CHECKING:
    from tests.chaos.customers import Visitors

#: A photo is sent in this many pieces, unless the line breaks.
_PIECES = 2
#: Pieces of each photo that break off in the middle.
_BREAKS = 1
_PATIENCE_SECONDS = 45.0
_PAUSE_SECONDS = 0.5
_VERSION = {"Tus-Resumable": "1.0.0"}


class LineBrokenError(Exception):
    """The line broke, as planned."""


def upload_in_pieces(
    visitors: "Visitors", lived: Experience, name: str, photo: bytes
) -> Generator[float, None, None]:
    """Upload a photo, from the stored offset after each break.

    Raises GaveUpError and RefusedError.
    """
    uploads = f"{visitors.shop}/api/uploads/{lived.session_id}/tus"
    named = {"Upload-Metadata": f"filename {base64.b64encode(name.encode()).decode()}"}
    begun = yield from visitors.insist(
        "POST", uploads, headers={**_VERSION, **named, "Upload-Length": str(len(photo))}
    )
    require(begun)
    address = f"{visitors.shop}{begun.headers['Location']}"
    breaks, deadline = _BREAKS, time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        looked = yield from visitors.insist("HEAD", address, headers=_VERSION)
        require(looked)
        offset = int(looked.headers["Upload-Offset"])
        if offset == len(photo):
            return
        piece = photo[offset : offset + -(-len(photo) // _PIECES)]
        if breaks:
            breaks -= 1
            lived.broken_pieces += _break_off(visitors, address, offset, piece)
        else:
            _send(visitors, address, offset, piece)
        yield _PAUSE_SECONDS
    raise GaveUpError(f"PATCH {address} did not store the photo within {_PATIENCE_SECONDS:g} s")


def _break_off(visitors: "Visitors", address: str, offset: int, piece: bytes) -> bool:
    """Send half of a whole announced piece; return whether it broke."""

    def half() -> Iterator[bytes]:
        yield piece[: len(piece) // 2]
        raise LineBrokenError

    try:
        visitors.http.patch(address, headers=_headers(offset, len(piece)), content=half())
    except LineBrokenError:
        return True
    except httpx2.TransportError:
        pass  # a fault of the run came first
    return False


def _send(visitors: "Visitors", address: str, offset: int, piece: bytes) -> None:
    """Send a piece once; the stored offset shows the result."""
    try:
        answer = visitors.http.patch(address, headers=_headers(offset, len(piece)), content=piece)
    except httpx2.TransportError:
        return
    is_over_soon = answer.status_code in {httpx2.codes.CONFLICT, httpx2.codes.TOO_MANY_REQUESTS}
    if not (answer.is_server_error or is_over_soon):
        require(answer)


def _headers(offset: int, size_bytes: int) -> dict[str, str]:
    return {
        **_VERSION,
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(size_bytes),
    }
