"""The operations of links and what they open."""

from typing import Any

from domain.order.errors import AskedTooOftenError
from domain.ports.errors import (
    ObjectMissingError,
)
from domain.ports.unit_of_work import VersionConflictError
from domain.use_cases.delivery.shared_links import NotYourLinkError
from entrypoints.http.byte_ranges import FileChangedError, UnsatisfiableRangeError
from entrypoints.http.openapi import view_examples
from entrypoints.http.openapi.contracts.common import HTML, LINK, NOT_MODIFIED
from entrypoints.http.openapi.operations import (
    IF_NONE_MATCH,
    Answer,
    documented,
    header,
)

_FILE = {
    "ETag": "The SHA-256 of the file.",
    "Accept-Ranges": "`bytes`",
    "Content-Disposition": "`attachment`, with the name to save it under.",
}
_RANGES = (
    header("Range", "One range of bytes, to resume a download."),
    header("If-Range", "The ETag of the file that the client has a part of."),
    header("If-Match", "The ETag that the file must have."),
    IF_NONE_MATCH,
)


def _file(*media_types: str, redirects: bool = False) -> dict[str, Any]:
    answers = {
        200: Answer(description="The file.", media_types=media_types, headers=_FILE),
        206: Answer(
            description="The requested part.",
            media_types=media_types,
            headers={**_FILE, "Content-Range": "Which bytes these are."},
        ),
        304: NOT_MODIFIED,
    }
    if redirects:
        answers[303] = Answer(
            description="A browser, which prefers HTML, is sent to the photos.",
            media_types=(),
            headers={"Location": "The page with the photos."},
        )
    return documented(
        "Downloads",
        *LINK,
        FileChangedError,
        UnsatisfiableRangeError,
        ObjectMissingError,
        parameters=_RANGES,
        answers=answers,
    )


FOLLOW_LINK = _file("application/zip", redirects=True)
SEND_ARCHIVE = _file("application/zip")
SEND_IMAGE = _file("image/png", "image/jpeg", "image/webp")

_FETCHED = {
    303: Answer(
        description="The download is on record; the file is at Location.",
        media_types=(),
        headers={"Location": "The file, relative to this address."},
    )
}
FETCH = documented("Downloads", *LINK, VersionConflictError, answers=_FETCHED)

SHOW_ALBUM = documented(
    "Downloads",
    *LINK,
    answers={200: Answer(description=f"The photos. {HTML}", example=view_examples.ALBUM)},
)

_PRIVATE_LINK = (*LINK, NotYourLinkError, VersionConflictError)
SHARE_LINK = documented(
    "Downloads",
    *_PRIVATE_LINK,
    AskedTooOftenError,
    answers={201: Answer(description=f"The link to pass on. {HTML}", example=view_examples.SHARED_LINK)},
)
TAKE_BACK_LINK = documented(
    "Downloads",
    *_PRIVATE_LINK,
    answers={204: Answer(description="There is no link for others.", media_types=())},
)
