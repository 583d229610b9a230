"""The port for upload sessions: a visitor's photos before payment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.order.values import (
    Client,
    CustomerId,
    Money,
    OrderId,
    PhotoId,
    Sha256,
    StoredObject,
    UploadSessionId,
)
from domain.ports.images import ImageFacts
from domain.referral_program import Spending


class UploadStatus(StrEnum):
    """The status of an upload session."""

    OPEN = "open"  # photos may be added
    CHECKOUT = "checkout"  # the price is quoted, the photos are fixed
    PENDING = "pending"  # the customer paid by a delayed payment method
    PAID = "paid"  # an order exists
    EXPIRED = "expired"  # not paid in time: its photos are deleted


@dataclass(frozen=True, kw_only=True)
class UploadedPhoto:
    """A photo as received; the customer's file name is never logged."""

    photo_id: PhotoId
    file_name: str
    upload: StoredObject
    width: int  # pixels
    height: int  # pixels


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """The quoted price, and the provider's page once it is open."""

    attempt: int  # 1-based, part of the idempotency key
    quoted: Money
    reserved_at: datetime
    expires_at: datetime
    checkout_session_id: str | None = None
    url: str | None = None
    referrer_id: CustomerId | None = None  # the customer whose referral code was given
    spending: Spending | None = None  # points reserved while it is open
    client: Client | None = None  # that asked for it


@dataclass(frozen=True, kw_only=True)
class UploadSession:
    """A visitor's photos before payment.

    ``order_id`` is the id that the order will have.
    """

    session_id: UploadSessionId
    order_id: OrderId
    status: UploadStatus
    opened_at: datetime
    photos: tuple[UploadedPhoto, ...] = ()
    checkout: Checkout | None = None


def photo_with_bytes(session: UploadSession, sha256: Sha256) -> UploadedPhoto | None:
    """The session's photo that has these bytes, if there is one."""
    return next((photo for photo in session.photos if photo.upload.sha256 == sha256), None)


class UploadSessions(Protocol):
    """Upload sessions and their photos."""

    def open(self, session: UploadSession) -> None:
        """Store a new session."""

    def find(self, session_id: UploadSessionId, *, lock: bool = False) -> UploadSession | None:
        """The session with its photos in upload order.

        ``lock`` prevents changes by other transactions.
        """

    def find_all_locked(
        self, session_ids: Sequence[UploadSessionId]
    ) -> Mapping[UploadSessionId, UploadSession]:
        """``find`` and lock those that exist, in the order of their ids."""

    def add_photo(
        self, session_id: UploadSessionId, photo: UploadedPhoto, *, sketch: bytes | None = None
    ) -> None:
        """Append a photo whose bytes the session does not hold yet.

        The caller has checked that. The sketch, of ``ImageFacts``, is kept until ``forget_temp_objects``.
        """

    def inspected(self, photo_id: PhotoId) -> ImageFacts | None:
        """What the inspection of an upload found; None without its sketch."""

    def remove_photo(self, session_id: UploadSessionId, photo_id: PhotoId) -> None:
        """Remove a photo from a session; a missing one is ignored."""

    def set_status(self, session_id: UploadSessionId, status: UploadStatus) -> None:
        """Set the session's status."""

    def set_paid(self, session_ids: Sequence[UploadSessionId]) -> None:
        """Set the status of sessions whose orders are placed."""

    def set_checkout(self, session_id: UploadSessionId, checkout: Checkout) -> None:
        """Store the quote, or the address of its page."""

    def file_names(self, order_id: OrderId) -> dict[PhotoId, str]:
        """The customer's names of an order's photos."""

    def expire_stale(
        self, opened_before: datetime, checkout_expired_before: datetime, limit: int
    ) -> list[UploadSessionId]:
        """Sessions whose temp objects may be deleted, oldest first.

        Unpaid ones are marked as expired. They were opened before ``opened_before`` and neither are in an open
        checkout nor wait for a delayed payment; if there is an order, its images are verified under its own prefix,
        or its full payment was refunded. A session is listed until ``forget_temp_objects``.
        """

    def pending(self, reserved_before: datetime) -> list[str]:
        """The provider's ids of checkouts with a pending payment, oldest first.

        They were reserved before ``reserved_before``.
        """

    def forget_temp_objects(self, session_id: UploadSessionId, now: datetime) -> None:
        """Record that the temp objects are deleted; forget sketches and resumable uploads.

        A session without an order keeps its row, but none of its photos: a payment may still arrive for it, and the row
        distinguishes deleted photos from lost ones.
        """

    def remove_tidied(self, tidied_before: datetime) -> int:
        """Remove sessions without an order; return how many.

        These are the ones whose temp objects were deleted before ``tidied_before``.
        """
