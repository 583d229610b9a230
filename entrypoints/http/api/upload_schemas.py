"""What the doorway shows of uploads and checkouts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from domain.ports.upload_sessions import Checkout, UploadedPhoto, UploadSession, UploadStatus
from domain.use_cases.checkout.uploads import AddedPhoto
from domain.use_cases.shop_policy import ShopPolicy
from entrypoints.http.api.order_schemas import AmountView, amount


@dataclass(frozen=True, kw_only=True)
class UploadOpenedView:
    """A new upload session and what it takes."""

    session_id: UUID
    photos_url: str
    expires_in_days: int
    max_photos: int
    max_photo_bytes: int
    accepted_media_types: list[str]


@dataclass(frozen=True, kw_only=True)
class UploadedPhotoView:
    """A photo that was taken in."""

    photo_id: UUID
    file_name: str
    media_type: str
    width: int
    height: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class SentPhotoView(UploadedPhotoView):
    """The answer to a photo that was sent; ``is_duplicate`` if its bytes were in the session before."""

    is_duplicate: bool


@dataclass(frozen=True, kw_only=True)
class CheckoutView:
    """The provider's page where the session's photos are paid; ``points`` take ``discount`` off the ``amount``."""

    url: str
    expires_at: datetime
    amount: int
    currency: str
    photos: int
    points: int
    discount: int


@dataclass(frozen=True, kw_only=True)
class UploadView:
    """An upload session; ``quote`` is the price of the photos in it, ``order_id`` is told once they are paid."""

    session_id: UUID
    status: str
    photos: list[UploadedPhotoView]
    quote: AmountView | None
    checkout: CheckoutView | None
    order_id: UUID | None
    order_url: str | None


def upload_opened(session: UploadSession, policy: ShopPolicy, media_types: Sequence[str]) -> UploadOpenedView:
    """Show a session that was just opened."""
    return UploadOpenedView(
        session_id=session.session_id,
        photos_url=f"{policy.urls.public}/api/uploads/{session.session_id}/photos",
        expires_in_days=policy.retention.uploads.days,
        max_photos=policy.uploads.max_photos,
        max_photo_bytes=policy.uploads.max_photo_bytes,
        accepted_media_types=list(media_types),
    )


def uploaded_photo(photo: UploadedPhoto) -> UploadedPhotoView:
    """Show a photo that was taken in."""
    return UploadedPhotoView(
        photo_id=photo.photo_id,
        file_name=photo.file_name,
        media_type=photo.upload.media_type,
        width=photo.width,
        height=photo.height,
        size_bytes=photo.upload.size_bytes,
        sha256=photo.upload.sha256,
    )


def sent_photo(added: AddedPhoto) -> SentPhotoView:
    """Show what became of a photo that was sent."""
    shown = uploaded_photo(added.photo)
    return SentPhotoView(**asdict(shown), is_duplicate=added.is_duplicate)


def upload(session: UploadSession, policy: ShopPolicy) -> UploadView:
    """Show a session with what it would cost, or what was quoted for it."""
    photos, checkout = len(session.photos), session.checkout
    quote = policy.prices.quote(photos) if photos else None
    if checkout is not None and session.status is not UploadStatus.OPEN:
        quote = checkout.quoted
    is_paid = session.status is UploadStatus.PAID
    return UploadView(
        session_id=session.session_id,
        status=session.status,
        photos=[uploaded_photo(photo) for photo in session.photos],
        quote=amount(quote),
        checkout=opened_checkout(checkout, photos)
        if checkout and session.status is UploadStatus.CHECKOUT
        else None,
        order_id=session.order_id if is_paid else None,
        order_url=f"{policy.urls.public}/api/orders/{session.order_id}" if is_paid else None,
    )


def opened_checkout(checkout: Checkout, photos: int) -> CheckoutView | None:
    """Show a checkout; none while the provider has not opened its page."""
    if checkout.url is None:
        return None
    spending = checkout.spending
    return CheckoutView(
        url=checkout.url,
        expires_at=checkout.expires_at,
        amount=checkout.quoted.amount,
        currency=checkout.quoted.currency,
        photos=photos,
        points=spending.points if spending else 0,
        discount=spending.discount.amount if spending else 0,
    )
