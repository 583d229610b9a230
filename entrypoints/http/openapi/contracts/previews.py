"""The operations of previews of photos."""

from typing import Any

from domain.ports.errors import (
    ObjectMissingError,
    UnreadableImageError,
)
from domain.use_cases.checkout.uploads import (
    UnknownUploadSessionError,
)
from domain.use_cases.delivery.previews import UnknownPhotoError
from entrypoints.http.openapi.contracts.common import LINK, NOT_MODIFIED
from entrypoints.http.openapi.operations import (
    IF_NONE_MATCH,
    Answer,
    documented,
)

PREVIEW = {"ETag": "The photo and the size.", "Cache-Control": "`private, no-cache`"}


def _preview(tag: str, *problems: type[Exception]) -> dict[str, Any]:
    return documented(
        tag,
        *problems,
        UnreadableImageError,
        ObjectMissingError,
        parameters=[IF_NONE_MATCH],
        answers={
            200: Answer(description="The preview.", media_types=["image/jpeg"], headers=PREVIEW),
            304: NOT_MODIFIED,
        },
    )


PREVIEW_OF_UPLOAD = _preview("Uploads", UnknownUploadSessionError, UnknownPhotoError)
PREVIEW_OF_ORDER = _preview("Orders", UnknownPhotoError)
PREVIEW_OF_ORIGINAL = _preview("Downloads", *LINK, UnknownPhotoError)
