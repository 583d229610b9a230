"""An example of each document that a route answers with."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from entrypoints.http.api.order_schemas import (
    AmountView,
    EmailView,
    EventView,
    OrderView,
    PhotoView,
    ProgressView,
)
from entrypoints.http.api.upload_schemas import (
    CheckoutView,
    PhotosView,
    SentPhotoView,
    UploadedPhotoView,
    UploadOpenedView,
    UploadView,
)

_SESSION = UUID("0190f6a4-5b0e-7c1a-9d3e-2f4b6a8c0e12")
_PHOTO = UUID("0190f6a4-9b1c-7d20-8a55-4c1e7f3b9d04")
_ORDER = UUID("0190f6a4-5b0f-7e2b-8c4d-6a1f3e5b7c90")
_SHOP = "https://shop.example"
_AT = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)

UPLOAD_OPENED = UploadOpenedView(
    session_id=_SESSION,
    photos_url=f"{_SHOP}/api/uploads/{_SESSION}/photos",
    expires_in_days=7,
    max_photos=200,
    max_photo_bytes=52428800,
    accepted_media_types=["image/jpeg", "image/png", "image/heic"],
)
SENT_PHOTO = SentPhotoView(
    photo_id=_PHOTO,
    file_name="great-aunt-1931.jpg",
    media_type="image/jpeg",
    width=2400,
    height=3200,
    size_bytes=1840233,
    sha256="2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    is_duplicate=False,
)
SENT_AGAIN = replace(SENT_PHOTO, is_duplicate=True)
_UPLOADED = UploadedPhotoView(
    photo_id=_PHOTO,
    file_name=SENT_PHOTO.file_name,
    media_type=SENT_PHOTO.media_type,
    width=SENT_PHOTO.width,
    height=SENT_PHOTO.height,
    size_bytes=SENT_PHOTO.size_bytes,
    sha256=SENT_PHOTO.sha256,
)
PHOTOS = PhotosView(photos=[_UPLOADED])
CHECKOUT = CheckoutView(
    url="https://checkout.stripe.com/c/pay/cs_live_a1",
    expires_at=_AT,
    amount=490,
    currency="EUR",
    photos=1,
    points=0,
    discount=0,
)
UPLOAD = UploadView(
    session_id=_SESSION,
    status="checkout",
    photos=[_UPLOADED],
    quote=AmountView(amount=490, currency="EUR"),
    checkout=CHECKOUT,
    order_id=None,
    order_url=None,
)
_PHOTOS = [PhotoView(image_id=_PHOTO, file_name="great-aunt-1931.jpg", state="restoring", attempts=1)]
ORDER = OrderView(
    order_id=_ORDER,
    number="20260314-000001",
    version=3,
    state="restoring",
    sentence="Your photo is being restored.",
    is_held=False,
    is_disputed=False,
    paid=AmountView(amount=490, currency="EUR"),
    refunded=None,
    refund_on_its_way=None,
    refund_owed=None,
    photos=_PHOTOS,
    emails=[EmailView(kind="confirmation", status="sent")],
    download_is_available=False,
    download_expires_at=None,
    completed_at=None,
    history=[
        EventView(
            version=1,
            name="PaymentReceived",
            recorded_at=_AT,
            sentence="The payment arrived.",
            image_id=None,
            email_kind=None,
        )
    ],
)
PROGRESS = ProgressView(
    order_id=_ORDER,
    state="restoring",
    sentence="Your photo is being restored.",
    total=1,
    restored=0,
    failed=0,
    running=1,
    percent=0,
    photos=_PHOTOS,
    poll_after_seconds=2,
)
ALBUM = {
    "photos": [
        {
            "image_id": _PHOTO,
            "file_name": "great-aunt-1931.jpg",
            "results": 1,
            "width": 2400,
            "height": 3200,
            "original_width": 2400,
            "original_height": 3200,
            "is_being_redone": False,
            "redo_is_possible": True,
            "why_no_redo": None,
        }
    ],
    "redo_until": _AT,
}
SHARED_LINK = {"url": f"{_SHOP}/api/download/W9vF3kq0cX2bT7yN5mLd8sRgH1jP4aZuEoQiVwKxCt6/photos"}
ACCEPTED = {"sentence": "It is on its way: please look in your mailbox."}
WORKER_CALL = {
    "worker": "restoration",
    "performed": {"MoveImages": 1, "RestoreImage": 3},
    "failed": 0,
    "tasks": {},
    "reconciliation": None,
    "is_more": False,
    "is_finished": True,
    "seconds": 4.2,
}
CALLER = {"client": "203.0.113.9", "version": "0.2.0", "shop": "Yw5cFC0n8mRLLazf"}
