"""Response schemas of orders, without names, addresses or tokens."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.order.events import RecordedEvent
from domain.order.image import Image
from domain.order.order import Order
from domain.order.states import TERMINAL, State
from domain.order.values import ImageId, Money
from entrypoints.bootstrap.wording import owner_sentence_of, timeline_text_of

#: Polling intervals for an order in progress, and for one that is held.
POLL_SECONDS, HELD_POLL_SECONDS = 2, 60


@dataclass(frozen=True, kw_only=True)
class AmountView:
    """Money in minor units of an ISO currency."""

    amount: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class PhotoView:
    """A paid photo: uploaded, waiting, restoring, restored or failed."""

    image_id: UUID
    file_name: str | None
    state: str
    attempts: int


@dataclass(frozen=True, kw_only=True)
class EmailView:
    """An e-mail of the order, and its delivery status."""

    kind: str
    status: str


@dataclass(frozen=True, kw_only=True)
class EventView:
    """A line of the order's history.

    ``image_id`` and ``email_kind`` name the photo and the kind of e-mail that it concerns, if any.
    """

    version: int
    name: str
    recorded_at: datetime
    sentence: str
    image_id: UUID | None
    email_kind: str | None


@dataclass(frozen=True, kw_only=True)
class OrderView:
    """An order as its owner may see it."""

    order_id: UUID
    number: str | None
    version: int
    state: str
    sentence: str
    is_held: bool
    is_disputed: bool
    paid: AmountView | None
    refunded: AmountView | None
    refund_on_its_way: AmountView | None
    refund_owed: AmountView | None  # its refund failed; staff see to it
    photos: list[PhotoView]
    emails: list[EmailView]
    download_is_available: bool
    download_expires_at: datetime | None
    completed_at: datetime | None
    history: list[EventView]


@dataclass(frozen=True, kw_only=True)
class ProgressView:
    """The progress of the restoration.

    ``poll_after_seconds`` is none in a terminal state.
    """

    order_id: UUID
    state: str
    sentence: str
    total: int
    restored: int
    failed: int
    running: int
    percent: int
    photos: list[PhotoView]
    poll_after_seconds: int | None


#: Makes a view of an order from its state, the customer's file names of its photos, and its history.
OfOrder = Callable[[Order, Mapping[ImageId, str], Sequence[RecordedEvent]], object]


def order(seen: Order, names: Mapping[ImageId, str], history: Sequence[RecordedEvent]) -> OrderView:
    """Show an order with its history."""
    link, payment = seen.newest_link, seen.payment
    is_available = link is not None and not seen.photos_are_purged and seen.state is not State.ERASED
    return OrderView(
        order_id=seen.order_id,
        number=payment.order_number if payment else None,
        version=seen.version,
        state=seen.state,
        sentence=owner_sentence_of(seen),
        is_held=seen.is_held,
        is_disputed=seen.is_disputed,
        paid=amount(payment.paid) if payment else None,
        refunded=AmountView(amount=seen.refunded_amount, currency=payment.paid.currency) if payment else None,
        refund_on_its_way=AmountView(amount=seen.ledger.refunds_on_their_way, currency=payment.paid.currency)
        if payment
        else None,
        refund_owed=AmountView(amount=seen.ledger.failed, currency=payment.paid.currency)
        if payment
        else None,
        photos=[photo(image, names) for image in seen.images.values()],
        emails=[EmailView(kind=email.kind, status=email.status) for email in seen.emails.values()],
        download_is_available=is_available,
        download_expires_at=link.expires_at if link and is_available else None,
        completed_at=seen.entered_at.get(State.COMPLETED),
        history=[
            EventView(
                version=entry.recorded.version,
                name=type(entry.recorded.event).__name__,
                recorded_at=entry.recorded.recorded_at,
                sentence=entry.text,
                image_id=getattr(entry.recorded.event, "image_id", None),
                email_kind=getattr(entry.recorded.event, "kind", None),
            )
            for entry in timeline_text_of(history, is_for_staff=False).entries
        ],
    )


def progress(seen: Order, names: Mapping[ImageId, str], _: Sequence[RecordedEvent]) -> ProgressView:
    """Show the progress of the restoration."""
    photos = [photo(image, names) for image in seen.images.values()]
    settled = sum(image.is_settled for image in seen.images.values())
    return ProgressView(
        order_id=seen.order_id,
        state=seen.state,
        sentence=owner_sentence_of(seen),
        total=len(photos),
        restored=len(seen.restored_images),
        failed=len(seen.failed_images),
        running=sum(each.state == "restoring" for each in photos),
        percent=100 * settled // len(photos) if photos else 0,
        photos=photos,
        poll_after_seconds=_next_look(seen),
    )


def photo(image: Image, names: Mapping[ImageId, str]) -> PhotoView:
    """Show a paid photo with the customer's file name."""
    return PhotoView(
        image_id=image.image_id,
        file_name=names.get(image.image_id),
        state=_photo_state(image),
        attempts=len(image.attempts),
    )


def amount(money: Money | None) -> AmountView | None:
    """Show money, if any."""
    return AmountView(amount=money.amount, currency=money.currency) if money is not None else None


def _photo_state(image: Image) -> str:
    if image.is_settled:
        return "restored" if image.restored is not None else "failed"
    if image.running is not None:
        return "restoring"
    return "waiting" if image.original is not None else "uploaded"


def _next_look(seen: Order) -> int | None:
    if seen.state in TERMINAL:
        return None
    return HELD_POLL_SECONDS if seen.is_held else POLL_SECONDS
