"""The kinds of problems: one table from error types to responses."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.order.errors import AskedTooOftenError, CorrectionRefusedError, ShopError, UnknownImageError
from domain.ports.errors import (
    DatabaseBehindError,
    ForgedMessageError,
    ObjectDiffersError,
    ObjectMissingError,
    RefusedError,
    UnavailableError,
    UnreadableImageError,
)
from domain.ports.unit_of_work import UnitOfWorkError
from domain.use_cases.checkout.checkout import CheckoutFixedError, NothingToPayError, PriceChangedError
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
from domain.use_cases.support.email_correction import AddressTakenError
from entrypoints.http import errors
from entrypoints.http.byte_ranges import FileChangedError, UnsatisfiableRangeError
from entrypoints.http.tus_protocol import (
    ChecksumMismatchError,
    NotAPieceError,
    TusHeaderError,
    TusVersionError,
)
from entrypoints.worker.worker_calls import WorkerBusyError

#: Retry-After where the error names no time.
RETRY_AFTER_SECONDS = 5

#: Retry-After for a client with too many open streams.
STREAM_RETRY_SECONDS = 60


@dataclass(frozen=True)
class Kind:
    """A kind of problem; ``name`` ends its stable address ``/problems/{name}``.

    Without a ``detail``, the response has the error's own message. A kind has a ``detail`` where that message is meant
    for operators, not for clients.
    """

    status: int
    name: str
    title: str
    detail: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


_FILE_UNAVAILABLE = Kind(
    500,
    "file-unavailable",
    "This file cannot be delivered now",
    "The shop cannot find this file as it was stored; we have been told: answer our e-mail if it stays away.",
)

#: The same for an address that is taken: the answer does not disclose who is a customer.
_ADDRESS_FIXED = Kind(
    409,
    "address-fixed",
    "The address cannot be corrected here",
    "The address of this order cannot be corrected here: write to us, and a person will help you.",
)

KINDS: Mapping[type[Exception], Kind] = {
    errors.BodyTooLargeError: Kind(413, "body-too-large", "Too large"),
    errors.BodyTooSlowError: Kind(408, "body-too-slow", "Too slow"),
    errors.BodyCutError: Kind(400, "body-incomplete", "The body is incomplete"),
    errors.ClientGoneError: Kind(400, "client-gone", "The connection ended"),
    errors.BodyEmptyError: Kind(400, "body-empty", "The body is empty"),
    errors.NotARawPhotoError: Kind(415, "photo-not-raw", "Send the photo itself"),
    errors.NotAPhotoFormError: Kind(415, "form-expected", "Send a form"),
    errors.MalformedError: Kind(400, "request-malformed", "The request is malformed"),
    errors.UnknownOrderError: Kind(404, "order-unknown", "No such order"),
    errors.NotPaidError: Kind(409, "not-paid", "Not paid"),
    AddressTakenError: _ADDRESS_FIXED,
    CorrectionRefusedError: _ADDRESS_FIXED,
    errors.TooManyStreamsError: Kind(
        429, "too-many-streams", "Too many streams", headers={"Retry-After": str(STREAM_RETRY_SECONDS)}
    ),
    errors.IdempotencyKeyError: Kind(400, "idempotency-key-malformed", "No idempotency key"),
    KeyReusedError: Kind(422, "idempotency-key-reused", "The key of another request"),
    RequestInProgressError: Kind(409, "request-in-progress", "The first request is in progress"),
    errors.NotReadyError: Kind(503, "not-ready", "Not ready"),
    errors.WorkerCallRefusedError: Kind(
        401, "worker-key-required", "The worker's key is required", headers={"WWW-Authenticate": "Bearer"}
    ),
    errors.UnknownWorkerError: Kind(404, "worker-unknown", "No such worker"),
    errors.WorkerCallsOffError: Kind(404, "worker-calls-off", "Worker endpoints are off"),
    WorkerBusyError: Kind(
        429, "worker-busy", "An earlier call is at work", headers={"Retry-After": str(RETRY_AFTER_SECONDS)}
    ),
    TusVersionError: Kind(412, "tus-version-unsupported", "Another version of tus"),
    TusHeaderError: Kind(400, "tus-header-malformed", "A header is missing or malformed"),
    NotAPieceError: Kind(415, "piece-not-offset", "Not a piece of an upload"),
    ChecksumMismatchError: Kind(460, "checksum-mismatch", "The bytes do not have their checksum"),
    UnknownUploadError: Kind(404, "upload-unknown", "No such upload"),
    OffsetMismatchError: Kind(409, "offset-mismatch", "Not the upload's offset"),
    UploadTooLargeError: Kind(413, "body-too-large", "Too large"),
    TooManyUploadsError: Kind(409, "too-many-uploads", "Too many uploads"),
    UnreadableImageError: Kind(422, "photo-unreadable", "This photo cannot be read"),
    UnknownUploadSessionError: Kind(404, "upload-session-unknown", "No such upload session"),
    UploadSessionClosedError: Kind(409, "upload-session-closed", "The upload session is closed"),
    TooManyPhotosError: Kind(409, "too-many-photos", "Too many photos"),
    CheckoutOpeningError: Kind(409, "checkout-opening", "The checkout is being opened"),
    NothingToPayError: Kind(409, "nothing-to-pay", "Nothing to pay for"),
    PriceChangedError: Kind(409, "price-changed", "The price has changed"),
    CheckoutFixedError: Kind(409, "checkout-fixed", "A checkout with points is open"),
    UnknownReferralCodeError: Kind(422, "referral-code-unknown", "No such referral code"),
    OwnReferralCodeError: Kind(422, "referral-code-own", "A referral code of one's own"),
    NoReferralsError: Kind(422, "no-referrals", "No referral codes are taken"),
    UnknownPointsCodeError: Kind(422, "points-code-unknown", "No such points code"),
    TwoCodesError: Kind(422, "two-codes", "One code too many"),
    NoPointsError: Kind(409, "no-points", "No points to spend"),
    FileChangedError: Kind(412, "file-changed", "The file has changed"),
    UnsatisfiableRangeError: Kind(416, "range-unsatisfiable", "No such part of the file"),
    UnknownLinkError: Kind(404, "link-unknown", "This link is not known"),
    LinkExpiredError: Kind(410, "link-expired", "This link has expired"),
    LinkRevokedError: Kind(410, "link-withdrawn", "This link was withdrawn"),
    TooManyRequestsError: Kind(429, "too-many-requests", "Too many requests"),
    StorageNearlyFullError: Kind(503, "storage-nearly-full", "No photos can be accepted now"),
    NotYourLinkError: Kind(403, "link-shared", "This link is for looking and saving"),
    AskedTooOftenError: Kind(429, "asked-too-often", "Asked for too often"),
    UnknownPhotoError: Kind(404, "photo-unknown", "No such photo"),
    UnknownImageError: Kind(404, "image-unknown", "No such image"),
    ShopError: Kind(409, "not-possible-now", "Not possible now"),
    ForgedMessageError: Kind(400, "message-forged", "The message is not signed by its sender"),
    DatabaseBehindError: Kind(
        503,
        "payments-paused",
        "No payments can be taken now",
        "The shop is being put right after a loss of data: your photos are kept, try to pay again in an hour.",
    ),
    UnavailableError: Kind(503, "unavailable", "Not available right now"),
    RefusedError: Kind(502, "provider-refused", "A provider refused"),
    ObjectMissingError: _FILE_UNAVAILABLE,
    ObjectDiffersError: _FILE_UNAVAILABLE,
    UnitOfWorkError: Kind(503, "busy", "Busy", "Others are changing the same thing: try again in a moment."),
}

#: Problems that the framework raises, by status code.
FRAMEWORK_KINDS: Mapping[int, Kind] = {
    400: Kind(400, "request-malformed", "The request is malformed"),
    404: Kind(
        404, "not-found", "Nothing here", "Nothing is at this address: /schema/openapi.json lists what is."
    ),
    405: Kind(
        405,
        "method-not-allowed",
        "Not with this method",
        "This address does not take this method: the Allow header lists those it takes.",
    ),
    413: Kind(413, "body-too-large", "Too large", "This address takes small JSON documents only: send less."),
}

INTERNAL = Kind(
    500,
    "internal",
    "Something broke on our side",
    "The shop made a mistake; we have been told. Try again, and if it stays, tell us the request_id.",
)
