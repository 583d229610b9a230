"""The mapping between upload sessions and their rows."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row

from domain.order.values import (
    Client,
    CustomerId,
    Money,
    ObjectKey,
    OrderId,
    PhotoId,
    Sha256,
    StoredObject,
    UploadSessionId,
)
from domain.ports.upload_sessions import Checkout, UploadedPhoto, UploadSession, UploadStatus
from domain.referral_program import Spending

#: The columns of a photo, in the order of a session's ``photos``.
PHOTO_FIELDS = (
    "photo_id",
    "file_name",
    "object_key",
    "sha256",
    "size_bytes",
    "media_type",
    "width",
    "height",
)


def session_of(row: Row[Any]) -> UploadSession:
    """Return the session of a row with its ``photos``."""
    return UploadSession(
        session_id=UploadSessionId(row.session_id),
        order_id=OrderId(row.order_id),
        status=UploadStatus(row.status),
        opened_at=row.opened_at,
        photos=tuple(_photo_of(fields) for fields in row.photos or ()),
        checkout=_checkout_of(row) if row.checkout_attempt is not None else None,
    )


def photo_row(photo: UploadedPhoto) -> dict[str, object]:
    """Return a photo's columns."""
    return {
        "photo_id": photo.photo_id,
        "file_name": photo.file_name,
        "object_key": photo.upload.key,
        "sha256": photo.upload.sha256,
        "size_bytes": photo.upload.size_bytes,
        "media_type": photo.upload.media_type,
        "width": photo.width,
        "height": photo.height,
    }


def checkout_row(checkout: Checkout) -> dict[str, object]:
    """Return the columns of a session's checkout."""
    spending = checkout.spending
    return {
        "attempt": checkout.attempt,
        "checkout_session_id": checkout.checkout_session_id,
        "url": checkout.url,
        "reserved_at": checkout.reserved_at,
        "expires_at": checkout.expires_at,
        "quoted_amount": checkout.quoted.amount,
        "quoted_currency": checkout.quoted.currency,
        "referrer_id": checkout.referrer_id,
        "points_customer_id": spending.customer_id if spending else None,
        "points": spending.points if spending else None,
        "points_discount_amount": spending.discount.amount if spending else None,
        "client": msgspec.json.encode(checkout.client).decode() if checkout.client else None,
    }


def _photo_of(fields: list[Any]) -> UploadedPhoto:
    found = dict(zip(PHOTO_FIELDS, fields, strict=True))
    return UploadedPhoto(
        photo_id=PhotoId(UUID(found["photo_id"])),
        file_name=found["file_name"],
        upload=StoredObject(
            key=ObjectKey(found["object_key"]),
            sha256=Sha256(found["sha256"]),
            size_bytes=found["size_bytes"],
            media_type=found["media_type"],
        ),
        width=found["width"],
        height=found["height"],
    )


def _checkout_of(row: Row[Any]) -> Checkout:
    return Checkout(
        attempt=row.checkout_attempt,
        quoted=Money(amount=row.quoted_amount, currency=row.quoted_currency),
        reserved_at=row.checkout_reserved_at,
        expires_at=row.checkout_expires_at,
        checkout_session_id=row.checkout_session_id,
        url=row.checkout_url,
        referrer_id=CustomerId(row.referrer_id) if row.referrer_id else None,
        spending=_spending_of(row) if row.points is not None else None,
        client=msgspec.convert(row.client, Client) if row.client is not None else None,
    )


def _spending_of(row: Row[Any]) -> Spending:
    return Spending(
        customer_id=CustomerId(row.points_customer_id),
        points=row.points,
        discount=Money(amount=row.points_discount_amount, currency=row.quoted_currency),
    )
