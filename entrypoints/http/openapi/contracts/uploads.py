"""The operations of uploads and their sessions."""

from litestar.openapi.spec import Example, OpenAPIFormat, OpenAPIMediaType, OpenAPIType, RequestBody, Schema

from domain.order.errors import AskedTooOftenError, CorrectionRefusedError
from domain.ports.errors import (
    RefusedError,
)
from domain.ports.unit_of_work import VersionConflictError
from domain.use_cases.checkout.photo_removal import CheckoutOpeningError
from domain.use_cases.checkout.uploads import (
    UnknownUploadSessionError,
)
from domain.use_cases.checkout.visitor_limits import TooManyRequestsError
from entrypoints.http import errors
from entrypoints.http.openapi import view_examples
from entrypoints.http.openapi.contracts.common import BODY, KEYED, PHOTO, REPLAYED, SESSION
from entrypoints.http.openapi.operations import (
    IDEMPOTENCY_KEY,
    Answer,
    binary_body,
    documented,
    link,
)

OPEN_SESSION = documented(
    "Uploads",
    *KEYED,
    TooManyRequestsError,
    parameters=[IDEMPOTENCY_KEY],
    answers={
        201: Answer(
            description="The session, open for photos.",
            example=view_examples.UPLOAD_OPENED,
            headers=REPLAYED,
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
    *PHOTO,
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
    *SESSION,
    CheckoutOpeningError,
    RefusedError,
    answers={204: Answer(description="The photo is not part of the session.", media_types=())},
)

CLOSE_CHECKOUT = documented(
    "Checkout",
    *SESSION,
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
    *BODY,
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
