"""The documentation of each route: its problems, headers, examples and links."""

from typing import Any

from litestar.openapi.spec import Example, OpenAPIFormat, OpenAPIMediaType, OpenAPIType, RequestBody, Schema

from domain.order.errors import AskedTooOftenError, CorrectionRefusedError, RedoRefusedError
from domain.ports.errors import (
    DatabaseBehindError,
    ForgedMessageError,
    ObjectMissingError,
    RefusedError,
    UnreadableImageError,
)
from domain.ports.unit_of_work import VersionConflictError
from domain.referral_program import LONGEST_CODE
from domain.use_cases.checkout.checkout import CheckoutFixedError, NothingToPayError
from domain.use_cases.checkout.photo_removal import CheckoutOpeningError
from domain.use_cases.checkout.referrals_and_points import (
    NoPointsError,
    NoReferralsError,
    OwnReferralCodeError,
    TwoCodesError,
    UnknownPointsCodeError,
    UnknownReferralCodeError,
)
from domain.use_cases.checkout.resumable_uploads import (
    OffsetMismatchError,
    TooManyUploadsError,
    UnknownUploadError,
    UploadTooLargeError,
)
from domain.use_cases.checkout.uploads import (
    TooManyPhotosError,
    UnknownUploadSessionError,
    UploadSessionClosedError,
)
from domain.use_cases.checkout.visitor_limits import StorageNearlyFullError, TooManyRequestsError
from domain.use_cases.delivery.downloads import LinkExpiredError, LinkRevokedError, UnknownLinkError
from domain.use_cases.delivery.previews import UnknownPhotoError
from domain.use_cases.delivery.shared_links import NotYourLinkError
from domain.use_cases.idempotent_requests import KeyReusedError, RequestInProgressError
from entrypoints.http import errors
from entrypoints.http.byte_ranges import FileChangedError, UnsatisfiableRangeError
from entrypoints.http.dependencies import LOCALE
from entrypoints.http.openapi import view_examples
from entrypoints.http.openapi.operations import (
    IDEMPOTENCY_KEY,
    IF_NONE_MATCH,
    Answer,
    binary_body,
    documented,
    header,
    link,
)
from entrypoints.http.tus_protocol import (
    PIECE_MEDIA_TYPE,
    VERSION,
    ChecksumMismatchError,
    NotAPieceError,
    TusHeaderError,
    TusVersionError,
)
from entrypoints.worker.worker_calls import WorkerBusyError

_KEYED = (errors.IdempotencyKeyError, KeyReusedError, RequestInProgressError, errors.BodyTooLargeError)
_BODY = (errors.BodyTooLargeError, errors.BodyTooSlowError, errors.BodyCutError)
_SESSION = (UnknownUploadSessionError, UploadSessionClosedError)
_PHOTO = (
    *_SESSION,
    *_BODY,
    errors.ClientGoneError,
    errors.BodyEmptyError,
    TooManyPhotosError,
    UnreadableImageError,
    TooManyRequestsError,
    StorageNearlyFullError,
)
_LINK = (UnknownLinkError, LinkExpiredError, LinkRevokedError)

_REPLAYED = {"Idempotency-Replayed": "`true` if this is the response to an earlier request with the key."}
_VERSIONED = {"ETag": "The version of the order."}
_HTML = "A browser, which prefers HTML, gets a page instead."

OPEN_SESSION = documented(
    "Uploads",
    *_KEYED,
    TooManyRequestsError,
    parameters=[IDEMPOTENCY_KEY],
    answers={
        201: Answer(
            description="The session, open for photos.",
            example=view_examples.UPLOAD_OPENED,
            headers=_REPLAYED,
            links={
                "sendPhoto": link("send_photo", session="session_id"),
                "showSession": link("show_session", session="session_id"),
                "listPhotos": link("list_photos", session="session_id"),
                "createUpload": link("create_upload", session="session_id"),
                "closeCheckout": link("close_checkout", session="session_id"),
                "openCheckout": link("open_checkout", body={"session_id": "$response.body#/session_id"}),
            },
        )
    },
)

SEND_PHOTO = documented(
    "Uploads",
    *_PHOTO,
    errors.NotARawPhotoError,
    body=binary_body("application/octet-stream", "image/*"),
    answers={
        201: Answer(
            description="The photo is part of the session.",
            example=view_examples.SENT_PHOTO,
            links={
                "showPreview": link("show_upload", session="$request.path.session", photo="photo_id"),
                "removePhoto": link("remove_photo", session="$request.path.session", photo="photo_id"),
                "openCheckout": link("open_checkout", body={"session_id": "$request.path.session"}),
            },
        ),
        200: Answer(description="The session had this photo already.", example=view_examples.SENT_AGAIN),
    },
)

LIST_PHOTOS = documented(
    "Uploads",
    UnknownUploadSessionError,
    answers={200: Answer(description="The photos, in the order they came.", example=view_examples.PHOTOS)},
)

REMOVE_PHOTO = documented(
    "Uploads",
    *_SESSION,
    CheckoutOpeningError,
    RefusedError,
    answers={204: Answer(description="The photo is not part of the session.", media_types=())},
)

CLOSE_CHECKOUT = documented(
    "Checkout",
    *_SESSION,
    CheckoutOpeningError,
    RefusedError,
    answers={204: Answer(description="The session is open, without a checkout.", media_types=())},
)

CORRECT_EMAIL = documented(
    "Checkout",
    UnknownUploadSessionError,
    errors.NotPaidError,
    CorrectionRefusedError,
    AskedTooOftenError,
    VersionConflictError,
    *_BODY,
    body=RequestBody(
        required=True,
        content={
            "application/json": OpenAPIMediaType(
                schema=Schema(
                    type=OpenAPIType.OBJECT,
                    required=["email"],
                    additional_properties=False,
                    properties={"email": Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.EMAIL)},
                ),
                examples={"example": Example(value={"email": "ada@customer.example"})},
            )
        },
    ),
    answers={204: Answer(description="E-mails about the order go to this address.", media_types=())},
)

SHOW_SESSION = documented(
    "Uploads",
    UnknownUploadSessionError,
    answers={
        200: Answer(description="The session.", example=view_examples.UPLOAD),
        303: Answer(
            description="A browser, which prefers HTML, is sent to the page.",
            media_types=(),
            headers={"Location": "The page of the session or of its order."},
        ),
    },
)


def _optional(description: str, **limits: Any) -> Schema:
    return Schema(type=[OpenAPIType.STRING, OpenAPIType.NULL], description=description, **limits)


CHECKOUT_BODY = RequestBody(
    required=True,
    content={
        "application/json": OpenAPIMediaType(
            schema=Schema(
                type=OpenAPIType.OBJECT,
                required=["session_id"],
                additional_properties=False,
                properties={
                    "session_id": Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.UUID),
                    "email": _optional("The customer's address.", format=OpenAPIFormat.EMAIL),
                    "locale": _optional(
                        "A language tag; by default the first of Accept-Language.", pattern=f"^{LOCALE}$"
                    ),
                    "referral_code": _optional("Another customer's code.", max_length=LONGEST_CODE),
                    "points_code": _optional(
                        "The customer's own code, from an e-mail; it spends their points.",
                        max_length=LONGEST_CODE,
                    ),
                },
            ),
            examples={
                "example": Example(
                    value={
                        "session_id": str(view_examples.UPLOAD.session_id),
                        "email": "ada@customer.example",
                    }
                )
            },
        )
    },
)
OPEN_CHECKOUT = documented(
    "Checkout",
    *_KEYED,
    errors.BodyTooSlowError,
    errors.BodyCutError,
    *_SESSION,
    NothingToPayError,
    CheckoutFixedError,
    NoPointsError,
    UnknownReferralCodeError,
    OwnReferralCodeError,
    NoReferralsError,
    UnknownPointsCodeError,
    TwoCodesError,
    TooManyRequestsError,
    RefusedError,
    DatabaseBehindError,
    parameters=[IDEMPOTENCY_KEY],
    body=CHECKOUT_BODY,
    answers={
        201: Answer(
            description="The page to pay on.",
            example=view_examples.CHECKOUT,
            headers=_REPLAYED,
        )
    },
)

PREVIEW = {"ETag": "The photo and the size.", "Cache-Control": "`private, no-cache`"}
_NOT_MODIFIED = Answer(description="The client has it.", media_types=())


def _preview(tag: str, *problems: type[Exception]) -> dict[str, Any]:
    return documented(
        tag,
        *problems,
        UnreadableImageError,
        ObjectMissingError,
        parameters=[IF_NONE_MATCH],
        answers={
            200: Answer(description="The preview.", media_types=["image/jpeg"], headers=PREVIEW),
            304: _NOT_MODIFIED,
        },
    )


PREVIEW_OF_UPLOAD = _preview("Uploads", UnknownUploadSessionError, UnknownPhotoError)
PREVIEW_OF_ORDER = _preview("Orders", UnknownPhotoError)
PREVIEW_OF_ORIGINAL = _preview("Downloads", *_LINK, UnknownPhotoError)

SHOW_ORDER = documented(
    "Orders",
    errors.UnknownOrderError,
    parameters=[IF_NONE_MATCH],
    answers={
        200: Answer(description="The order.", example=view_examples.ORDER, headers=_VERSIONED),
        304: _NOT_MODIFIED,
    },
)

SHOW_PROGRESS = documented(
    "Orders",
    errors.UnknownOrderError,
    parameters=[IF_NONE_MATCH],
    answers={
        200: Answer(description=f"The progress. {_HTML}", example=view_examples.PROGRESS, headers=_VERSIONED),
        304: _NOT_MODIFIED,
    },
)

FOLLOW_ORDER = documented(
    "Orders",
    errors.UnknownOrderError,
    errors.TooManyStreamsError,
    parameters=[header("Last-Event-ID", "The version that the client knows.")],
    answers={
        200: Answer(
            description="Events named `status`: their data is the progress as JSON, their id the order's version. "
            "The stream ends after some minutes, and once the order is over.",
            media_types=["text/event-stream"],
            schema=Schema(
                type=OpenAPIType.OBJECT,
                properties={
                    name: Schema(type=OpenAPIType.STRING) for name in ("event", "id", "data", "retry")
                },
            ),
        ),
        204: Answer(description="The order is over, and the client knows all of it.", media_types=()),
    },
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
        304: _NOT_MODIFIED,
    }
    if redirects:
        answers[303] = Answer(
            description="A browser, which prefers HTML, is sent to the photos.",
            media_types=(),
            headers={"Location": "The page with the photos."},
        )
    return documented(
        "Downloads",
        *_LINK,
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
FETCH = documented("Downloads", *_LINK, VersionConflictError, answers=_FETCHED)

SHOW_ALBUM = documented(
    "Downloads",
    *_LINK,
    answers={200: Answer(description=f"The photos. {_HTML}", example=view_examples.ALBUM)},
)

_PRIVATE_LINK = (*_LINK, NotYourLinkError, VersionConflictError)
SHARE_LINK = documented(
    "Downloads",
    *_PRIVATE_LINK,
    AskedTooOftenError,
    answers={201: Answer(description=f"The link to pass on. {_HTML}", example=view_examples.SHARED_LINK)},
)
TAKE_BACK_LINK = documented(
    "Downloads",
    *_PRIVATE_LINK,
    answers={204: Answer(description="There is no link for others.", media_types=())},
)

_ACCEPTED = {
    202: Answer(
        description=f"Accepted; the result comes by e-mail. {_HTML}",
        example=view_examples.ACCEPTED,
        headers=_REPLAYED,
    )
}
ASK_FOR_REDO = documented(
    "Requests",
    *_KEYED,
    *_LINK,
    RedoRefusedError,
    VersionConflictError,
    parameters=[IDEMPOTENCY_KEY],
    answers=_ACCEPTED,
)
ASK_FOR_LINK = documented(
    "Requests",
    *_KEYED,
    AskedTooOftenError,
    VersionConflictError,
    parameters=[IDEMPOTENCY_KEY],
    answers=_ACCEPTED,
)
ASK_FOR_MAIL = documented(
    "Requests",
    *_KEYED,
    errors.UnknownOrderError,
    AskedTooOftenError,
    RedoRefusedError,
    VersionConflictError,
    parameters=[IDEMPOTENCY_KEY],
    answers=_ACCEPTED,
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
    *_PHOTO,
    TusVersionError,
    TusHeaderError,
    NotAPieceError,
    ChecksumMismatchError,
    UploadTooLargeError,
    TooManyUploadsError,
    OffsetMismatchError,
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
    ],
    answers={
        201: Answer(
            description="The upload has begun.",
            media_types=(),
            headers={**_UPLOAD_STATE, "Location": "The address of the upload."},
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
    *_PHOTO,
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
    *_SESSION,
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

WEBHOOK = documented(
    "Webhooks",
    *_BODY,
    ForgedMessageError,
    VersionConflictError,
    DatabaseBehindError,
    answers={200: Answer(description="The event is recorded, or was before.", media_types=())},
)
LIVE = documented(
    "Health",
    answers={200: Answer(description="The process answers.", example={"status": "ok", "version": "0.2.0"})},
)
READY = documented(
    "Health",
    errors.NotReadyError,
    answers={
        200: Answer(
            description="The shop works; what is impaired is in checks.",
            example={
                "status": "ok",
                "version": "0.2.0",
                "checks": {"database": "ok", "storage": "ok", "log": "ok"},
            },
        )
    },
)
_WORKER_KEY = header(
    "Authorization",
    "`Bearer` and WORKER_SECRET_KEY.",
    is_required=True,
    example="Bearer the-key-of-this-shop-in-its-settings",
)
SHOW_CALLER = documented(
    "Workers",
    errors.WorkerCallRefusedError,
    errors.WorkerCallsOffError,
    parameters=[_WORKER_KEY],
    answers={200: Answer(description="What the API sees.", example=view_examples.CALLER)},
)
CALL_WORKER = documented(
    "Workers",
    errors.WorkerCallRefusedError,
    errors.WorkerCallsOffError,
    WorkerBusyError,
    DatabaseBehindError,
    parameters=[_WORKER_KEY],
    answers={200: Answer(description="What was done.", example=view_examples.WORKER_CALL)},
)
