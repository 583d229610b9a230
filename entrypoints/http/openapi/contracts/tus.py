"""The operations of resumable uploads."""

from litestar.openapi.spec import OpenAPIType, Schema

from domain.ports.errors import (
    RefusedError,
)
from domain.use_cases.checkout.photo_removal import CheckoutOpeningError
from domain.use_cases.checkout.resumable_uploads import (
    OffsetMismatchError,
    TooManyUploadsError,
    UnknownUploadError,
    UploadTooLargeError,
)
from domain.use_cases.idempotent_requests import KeyReusedError
from entrypoints.http.errors import IdempotencyKeyError
from entrypoints.http.openapi.contracts.common import PHOTO, REPLAYED, SESSION
from entrypoints.http.openapi.operations import (
    Answer,
    binary_body,
    documented,
    header,
    idempotency_key,
)
from entrypoints.http.tus_protocol import (
    PIECE_MEDIA_TYPE,
    VERSION,
    ChecksumMismatchError,
    NotAPieceError,
    TusHeaderError,
    TusVersionError,
)

_UPLOAD_STATE = {
    "Tus-Resumable": f"`{VERSION}`",
    "Upload-Offset": "How many bytes are stored.",
    "Upload-Expires": "When the upload may be deleted.",
    "Photo-Id": "Of a complete upload: its photo.",
    "Upload-Duplicate": "Of a complete upload: `true` if the session had this photo before.",
}
_BYTES = Schema(type=OpenAPIType.INTEGER, minimum=0, maximum=10**15 - 1)
_TUS = header(
    "Tus-Resumable",
    "The version of the protocol.",
    schema=Schema(type=OpenAPIType.STRING, enum=[VERSION]),
    is_required=True,
    example=VERSION,
)
_CHECKSUM = header(
    "Upload-Checksum",
    "`sha1` or `sha256`, a space, and the digest of the body in base64: else it is not kept.",
)
_PIECE = binary_body(PIECE_MEDIA_TYPE)

DESCRIBE_TUS = documented(
    "Uploads",
    answers={
        204: Answer(
            description="The protocol's version, extensions and limits.",
            media_types=(),
            headers={
                "Tus-Version": "The versions that are supported.",
                "Tus-Extension": "The extensions that are supported.",
                "Tus-Max-Size": "The largest photo, in bytes.",
                "Tus-Checksum-Algorithm": "The algorithms of Upload-Checksum.",
            },
        )
    },
)
CREATE_UPLOAD = documented(
    "Uploads",
    *PHOTO,
    TusVersionError,
    TusHeaderError,
    NotAPieceError,
    ChecksumMismatchError,
    UploadTooLargeError,
    TooManyUploadsError,
    OffsetMismatchError,
    IdempotencyKeyError,
    KeyReusedError,
    body=binary_body(PIECE_MEDIA_TYPE, is_required=False),
    parameters=[
        _TUS,
        header(
            "Upload-Length",
            "The size of the photo in bytes.",
            schema=Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=50 * 1024 * 1024),
            is_required=True,
            example="1048576",
        ),
        header(
            "Upload-Metadata",
            "Keys and values in base64, with commas: filename, filetype.",
            schema=Schema(type=OpenAPIType.STRING, pattern="^filename ([A-Za-z0-9]{4})+$", max_length=4096),
            example="filename Z3JlYXQtYXVudC0xOTMxLmpwZw==",
        ),
        _CHECKSUM,
        idempotency_key("gets the upload that the first one began, as it is by then"),
    ],
    answers={
        201: Answer(
            description="The upload has begun.",
            media_types=(),
            headers={**_UPLOAD_STATE, **REPLAYED, "Location": "The address of the upload."},
        )
    },
)
SHOW_OFFSET = documented(
    "Uploads",
    UnknownUploadError,
    TusVersionError,
    parameters=[_TUS],
    answers={
        200: Answer(
            description="How far the upload is.",
            media_types=(),
            headers={
                **_UPLOAD_STATE,
                "Upload-Length": "The size of the photo in bytes.",
                "Upload-Metadata": "As it was sent.",
            },
        )
    },
)
APPEND_PIECE = documented(
    "Uploads",
    *PHOTO,
    UnknownUploadError,
    TusVersionError,
    TusHeaderError,
    NotAPieceError,
    ChecksumMismatchError,
    OffsetMismatchError,
    body=_PIECE,
    parameters=[
        _TUS,
        header(
            "Upload-Offset",
            "How many bytes are stored before these.",
            schema=_BYTES,
            is_required=True,
            example="0",
        ),
        _CHECKSUM,
    ],
    answers={204: Answer(description="The bytes are stored.", media_types=(), headers=_UPLOAD_STATE)},
)
CANCEL_UPLOAD = documented(
    "Uploads",
    UnknownUploadError,
    *SESSION,
    CheckoutOpeningError,
    RefusedError,
    TusVersionError,
    parameters=[_TUS],
    answers={
        204: Answer(
            description="The upload is gone, and its photo.",
            media_types=(),
            headers={"Tus-Resumable": f"`{VERSION}`"},
        )
    },
)
