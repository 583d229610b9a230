"""An example of each problem, made by the code that answers it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from litestar.exceptions import NotFoundException

from domain.order.errors import (
    AskedTooOftenError,
    CorrectionRefusedError,
    RedoRefusedError,
    UnknownImageError,
)
from domain.order.values import Money, OrderId, RedoObstacle, UploadSessionId
from domain.ports.errors import (
    DatabaseBehindError,
    ForgedMessageError,
    ObjectMissingError,
    RefusedError,
    UnavailableError,
    UnreadableImageError,
)
from domain.ports.resumable_uploads import ResumableUploadId
from domain.ports.unit_of_work import VersionConflictError
from domain.ports.upload_sessions import UploadStatus
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
from entrypoints.http import errors, problem_details, tus_protocol
from entrypoints.http.byte_ranges import FileChangedError, UnsatisfiableRangeError
from entrypoints.worker.worker_calls import Worker, WorkerBusyError

_ID = UUID("0190f6a4-5b0e-7c1a-9d3e-2f4b6a8c0e12")
_SESSION, _ORDER, _UPLOAD = UploadSessionId(_ID), OrderId(_ID), ResumableUploadId(_ID)
_MEBIBYTE = 1024 * 1024

#: An error that is our defect.
INTERNAL_ERROR = AssertionError("An example.")

_ERRORS: tuple[Exception, ...] = (
    errors.BodyTooLargeError(50 * _MEBIBYTE),
    errors.BodyTooSlowError(300),
    errors.BodyCutError(),
    errors.ClientGoneError(),
    errors.BodyEmptyError(),
    errors.NotARawPhotoError("text/plain"),
    errors.MalformedError("its address has a NUL byte"),
    errors.UnknownOrderError(_ID),
    errors.NotPaidError(_ID),
    CorrectionRefusedError(),
    errors.NotReadyError({"database": "It does not answer.", "storage": "ok"}),
    errors.TooManyStreamsError(),
    errors.WorkerCallRefusedError(),
    errors.WorkerCallsOffError(),
    errors.UnknownWorkerError(Worker),
    WorkerBusyError(Worker.SWEEPER),
    errors.IdempotencyKeyError(),
    tus_protocol.TusVersionError(),
    tus_protocol.TusHeaderError("Upload-Offset", "a number of bytes"),
    tus_protocol.NotAPieceError(),
    tus_protocol.ChecksumMismatchError(),
    AskedTooOftenError(wait=timedelta(minutes=4)),
    RedoRefusedError(image_id=_ID, why=next(iter(RedoObstacle))),
    UnknownImageError(order_id=_ID, image_id=_ID),
    DatabaseBehindError(),
    ForgedMessageError("its sender", "the signature differs"),
    ObjectMissingError(f"uploads/restored/{_ID}/example"),
    RefusedError("The payment provider", "the amount is too small", code="amount_too_small"),
    UnavailableError("The storage", "it does not answer", retry_after_seconds=5),
    UnreadableImageError("not_a_picture"),
    VersionConflictError(_ORDER, 7),
    PriceChangedError(_SESSION, Money(amount=980, currency="eur")),
    CheckoutFixedError(_SESSION, datetime(2026, 3, 14, 15, 9, tzinfo=UTC)),
    NothingToPayError(_SESSION),
    CheckoutOpeningError(_SESSION),
    NoPointsError(),
    NoReferralsError(),
    OwnReferralCodeError(),
    TwoCodesError(),
    UnknownPointsCodeError(),
    UnknownReferralCodeError(),
    OffsetMismatchError(_UPLOAD, 1048576),
    TooManyUploadsError(600),
    UnknownUploadError(_UPLOAD),
    UploadTooLargeError(50 * _MEBIBYTE),
    TooManyPhotosError(200),
    UnknownUploadSessionError(_SESSION),
    UploadSessionClosedError(_SESSION, UploadStatus.PAID),
    StorageNearlyFullError(timedelta(hours=1)),
    TooManyRequestsError("sessions", timedelta(minutes=12)),
    NotYourLinkError(),
    LinkExpiredError(_ORDER),
    LinkRevokedError(_ORDER),
    UnknownLinkError(),
    UnknownPhotoError(_ID),
    KeyReusedError(),
    RequestInProgressError(),
    NotFoundException(),
    FileChangedError(),
    UnsatisfiableRangeError(4096),
)

_BY_TYPE: Mapping[type[Exception], Exception] = {type(error): error for error in _ERRORS}


@dataclass(frozen=True, kw_only=True)
class ProblemView:
    """Why a request failed, and what to do (RFC 9457).

    ``type`` is a stable name, ``detail`` a sentence for people, and ``request_id`` is in our log. ``checks`` is of
    /health/ready alone.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: UUID
    checks: dict[str, str] | None = None


def example_of(error: type[Exception]) -> Exception:
    """The example of a type of error."""
    return _BY_TYPE[error]


def problem_example(error: Exception) -> tuple[str, dict[str, Any]]:
    """The name and the document of the problem that answers an error."""
    problem = problem_details.problem_of(error)
    return problem.kind.name, problem_details.document(problem, _ID)
