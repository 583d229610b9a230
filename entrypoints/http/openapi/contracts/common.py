"""Problems and headers that several operations share."""

from domain.ports.errors import (
    UnreadableImageError,
)
from domain.use_cases.checkout.uploads import (
    TooManyPhotosError,
    UnknownUploadSessionError,
    UploadSessionClosedError,
)
from domain.use_cases.checkout.visitor_limits import StorageNearlyFullError, TooManyRequestsError
from domain.use_cases.delivery.downloads import LinkExpiredError, LinkRevokedError, UnknownLinkError
from domain.use_cases.idempotent_requests import KeyReusedError, RequestInProgressError
from entrypoints.http import errors
from entrypoints.http.openapi.operations import Answer

KEYED = (errors.IdempotencyKeyError, KeyReusedError, RequestInProgressError, errors.BodyTooLargeError)
BODY = (errors.BodyTooLargeError, errors.BodyTooSlowError, errors.BodyCutError)
SESSION = (UnknownUploadSessionError, UploadSessionClosedError)
PHOTO = (
    *SESSION,
    *BODY,
    errors.ClientGoneError,
    errors.BodyEmptyError,
    TooManyPhotosError,
    UnreadableImageError,
    TooManyRequestsError,
    StorageNearlyFullError,
)
LINK = (UnknownLinkError, LinkExpiredError, LinkRevokedError)

REPLAYED = {"Idempotency-Replayed": "`true` if this is the response to an earlier request with the key."}
VERSIONED = {"ETag": "The version of the order."}
HTML = "A browser, which prefers HTML, gets a page instead."
NOT_MODIFIED = Answer(description="The client has it.", media_types=())
