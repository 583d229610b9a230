"""Upload sessions: a visitor's photos before they are paid."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.order.values import CustomerId, Money, OrderId, PhotoId, Sha256, StoredObject, UploadSessionId
from domain.referral_program import Spending


class UploadStatus(StrEnum):
    """Where an upload session stands."""

    OPEN = "open"  # photos may be added
    CHECKOUT = "checkout"  # the price is quoted, the photos are fixed
    PENDING = "pending"  # the customer paid by a method that takes days
    PAID = "paid"  # there is an order
    EXPIRED = "expired"  # nobody paid in time: its photos go


@dataclass(frozen=True, kw_only=True)
class UploadedPhoto:
    """A photo as it was received; the file name is the customer's and never enters the log."""

    photo_id: PhotoId
    file_name: str
    upload: StoredObject
    width: int  # pixels
    height: int  # pixels


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """What was quoted, and the provider's page for it once it is open."""

    attempt: int  # 1-based, part of the idempotency key
    quoted: Money
    reserved_at: datetime
    expires_at: datetime
    checkout_session_id: str | None = None
    url: str | None = None
    referrer_id: CustomerId | None = None  # whose referral code was given
    spending: Spending | None = None  # points that are reserved while it is open


@dataclass(frozen=True, kw_only=True)
class UploadSession:
    """A visitor's photos before they are paid; ``order_id`` is the id the order will have."""

    session_id: UploadSessionId
    order_id: OrderId
    status: UploadStatus
    opened_at: datetime
    photos: tuple[UploadedPhoto, ...] = ()
    checkout: Checkout | None = None


def photo_with_bytes(session: UploadSession, sha256: Sha256) -> UploadedPhoto | None:
    """The session's photo that has these bytes."""
    return next((photo for photo in session.photos if photo.upload.sha256 == sha256), None)


class UploadSessions(Protocol):
    """Upload sessions and their photos."""

    def open(self, session: UploadSession) -> None:
        """Write a new session down."""
        ...

    def find(self, session_id: UploadSessionId, *, lock: bool = False) -> UploadSession | None:
        """The session with its photos in the order they came; ``lock`` keeps others from changing it meanwhile."""
        ...

    def add_photo(self, session_id: UploadSessionId, photo: UploadedPhoto) -> None:
        """Add a photo at the end; a session holds the same bytes once, whoever asks has looked for them before."""
        ...

    def remove_photo(self, session_id: UploadSessionId, photo_id: PhotoId) -> None:
        """Take a photo out of a session; one that is not in it is no error."""
        ...

    def set_status(self, session_id: UploadSessionId, status: UploadStatus) -> None:
        """Move the session on."""
        ...

    def set_checkout(self, session_id: UploadSessionId, checkout: Checkout) -> None:
        """Write down what was quoted, or where its page is."""
        ...

    def file_names(self, order_id: OrderId) -> dict[PhotoId, str]:
        """The customer's names of an order's photos."""
        ...

    def expire_stale(
        self, opened_before: datetime, checkout_expired_before: datetime, limit: int
    ) -> list[UploadSessionId]:
        """Sessions whose temp objects may go, oldest first; those that nobody paid for are expired from now on.

        Opened before the moment given, not in an open checkout or waiting for a delayed payment, and if there is an
        order, its images are verified under keys of its own, or all its money went back. A session is listed until
        its temp objects are forgotten.
        """
        ...

    def pending(self, reserved_before: datetime) -> list[str]:
        """The provider's ids of checkouts whose money is still on its way, reserved before the moment; oldest first."""
        ...

    def forget_temp_objects(self, session_id: UploadSessionId, now: datetime) -> None:
        """Note that the temp objects are gone; a session without an order keeps its row, but none of its photos.

        A payment may still come for it, and its row is what tells "tidied" from "lost".
        """
        ...

    def remove_tidied(self, tidied_before: datetime) -> int:
        """Remove the sessions without an order that were tidied before the moment; returns how many."""
        ...
