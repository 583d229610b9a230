"""Response schemas of uploads and checkouts."""

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
    """A new upload session and its limits."""

    session_id: UUID
    photos_url: str
    expires_in_days: int
    max_photos: int
    max_photo_bytes: int
    accepted_media_types: list[str]


@dataclass(frozen=True, kw_only=True)
class UploadedPhotoView:
    """An accepted photo."""

    photo_id: UUID
    file_name: str
    media_type: str
    width: int
    height: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class SentPhotoView(UploadedPhotoView):
    """The response to a photo that was sent.

    ``is_duplicate`` if the session already had a photo of the same bytes.
    """

    is_duplicate: bool


@dataclass(frozen=True, kw_only=True)
class PhotosView:
    """The photos of a session, in the order they came."""

    photos: list[UploadedPhotoView]


@dataclass(frozen=True, kw_only=True)
class CheckoutView:
    """The provider's page on which the session's photos are paid.

    ``amount`` is the quoted price, ``discount`` what ``points`` take off it; both are in minor units.
    """

    url: str
    expires_at: datetime
    amount: int
    currency: str
    photos: int
    points: int
    discount: int


@dataclass(frozen=True, kw_only=True)
class UploadView:
    """An upload session.

    ``quote`` is the price of its photos; ``order_id`` and ``order_url`` are none until they are paid.
    """

    session_id: UUID
    status: str
    photos: list[UploadedPhotoView]
    quote: AmountView | None
    checkout: CheckoutView | None
    order_id: UUID | None
    order_url: str | None


def upload_opened(session: UploadSession, policy: ShopPolicy, media_types: Sequence[str]) -> UploadOpenedView:
    """Show a new session."""
    return UploadOpenedView(
        session_id=session.session_id,
        photos_url=f"{policy.urls.public}/api/uploads/{session.session_id}/photos",
        expires_in_days=policy.retention.uploads.days,
        max_photos=policy.uploads.max_photos,
        max_photo_bytes=policy.uploads.max_photo_bytes,
        accepted_media_types=list(media_types),
    )


def uploaded_photo(photo: UploadedPhoto) -> UploadedPhotoView:
    """Show an accepted photo."""
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
    """Show the result of sending a photo."""
    shown = uploaded_photo(added.photo)
    return SentPhotoView(**asdict(shown), is_duplicate=added.is_duplicate)


def upload(session: UploadSession, policy: ShopPolicy) -> UploadView:
    """Show a session with its current price, or the quoted one."""
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
    """Show a checkout; none until the provider has opened its page."""
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
