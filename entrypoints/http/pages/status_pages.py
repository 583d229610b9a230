"""Customers' status page of an order, without its id or a token."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Response

from domain.order.customer_request_limits import may_correct_address
from domain.order.email import EmailStatus
from domain.order.image import Image
from domain.order.order import Order
from domain.order.states import TERMINAL, State
from domain.order.values import EmailKind, ImageId, Money
from entrypoints.http.api import order_schemas
from entrypoints.http.pages.html_pages import page
from entrypoints.http.pages.site import Visit

#: How soon a page reloads while work goes on, and while it waits for a person or a bank.
REFRESH_SECONDS, PATIENT_REFRESH_SECONDS = 5, 60

#: Statuses whose e-mail was sent, so that it can be requested again; before the result, that is the confirmation.
_RESENDABLE = frozenset(
    {"delivered", "delivered_partly", "completed", "completed_partly", "partly_free", "redoing"}
)
_CONFIRMED = frozenset({"paid", "free", "restoring", "settled"})

#: The state shown of a photo that had no result when its order ended.
_ENDED_WITHOUT_RESULT = "not_restored"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What an order's page shows besides the order itself.

    ``address`` is the customer's e-mail address as this browser may see it; ``paid_session`` the session of a browser
    that may correct it, and ``is_corrected`` if it just did. ``resend_wait`` is how long the e-mail cannot be
    requested again; None if no more.
    """

    now: datetime | None = None
    usual_turnaround: timedelta | None = None
    address: str | None = None
    paid_session: UUID | None = None
    is_corrected: bool = False
    resend_wait: timedelta | None = timedelta(0)


def of_order(
    seen: Order, names: Mapping[ImageId, str], visit: Visit, progress: Progress | None = None
) -> Response[Any]:
    """The page of an order, reloaded until it changes no more.

    Its pictures are the customer's own photos: results are behind the link alone, which expires and can be revoked.
    """
    status = _status_phrase(seen)
    has_ended = seen.state in TERMINAL
    has_photos = seen.state is not State.ERASED
    refresh_seconds = _refresh(seen)
    progress = progress or Progress()
    is_resendable = _is_resendable(seen, status)
    return page(
        "order",
        visit,
        status_phrase=status,
        order=seen,
        settled=sum(image.is_settled for image in seen.images.values()),
        has_ended=has_ended,
        is_live=refresh_seconds is not None,
        has_button=is_resendable and progress.resend_wait == timedelta(0),
        resend_wait=visit.localization.duration(progress.resend_wait)
        if is_resendable and progress.resend_wait
        else None,
        has_previews=has_photos and not seen.photos_are_purged,
        photos=[
            {
                "id": image.image_id,
                "name": names.get(image.image_id),
                "state": _photo_state(image, names, has_ended=has_ended),
            }
            for image in seen.images.values()
            if has_photos
        ],
        returned=_returned(seen),
        estimate=_estimate(seen, visit, progress),
        address=progress.address if may_correct_address(seen) or is_resendable else None,
        may_correct=may_correct_address(seen),
        paid_session=progress.paid_session,
        is_corrected=progress.is_corrected,
        refresh_seconds=refresh_seconds,
    )


def _is_resendable(seen: Order, status: str) -> bool:
    """Whether the e-mail about this state can be requested again."""
    if status in _CONFIRMED:
        return any(
            email.kind is EmailKind.CONFIRMATION and email.status is EmailStatus.SENT
            for email in seen.emails.values()
        )
    return status in _RESENDABLE and not seen.is_disputed


def _estimate(seen: Order, visit: Visit, progress: Progress) -> str | None:
    """How long it usually takes, or that it takes longer."""
    usual, paid_at = progress.usual_turnaround, seen.entered_at.get(State.PAID)
    if (
        progress.now is None
        or usual is None
        or paid_at is None
        or not may_correct_address(seen)
        or seen.every_image_is_settled
    ):
        return None
    if progress.now - paid_at > 2 * usual:
        return visit.localization.say("order_page.takes_longer")
    return visit.localization.say("order_page.estimate", duration=visit.localization.duration(usual))


def masked(email: str) -> str:
    """An address that only its owner recognizes: ``a…@example.com``."""
    name, _, host = email.rpartition("@")
    return f"{name[:1]}…@{host}"


def _returned(seen: Order) -> Mapping[str, Money]:
    """Refunded and pending amounts, by the phrase that names them."""
    if seen.payment is None:
        return {}
    amounts = {
        "order_page.sent_back": seen.refunded_amount,
        "order_page.on_its_way_back": seen.ledger.refunds_on_their_way,
        "order_page.owed": seen.ledger.failed,
    }
    currency = seen.payment.paid.currency
    return {phrase: Money(amount=amount, currency=currency) for phrase, amount in amounts.items() if amount}


def _status_phrase(seen: Order) -> str:
    """The phrase of an order's status; what stops it comes first."""
    phrase: str = seen.state
    if seen.is_held:
        phrase = "held"
    elif _waits_for_a_bank(seen):
        phrase = "disputed"
    elif seen.state is State.PAID and not seen.paid_amount:
        phrase = "free"
    elif seen.every_image_is_settled and not seen.restored_images and seen.state not in TERMINAL:
        phrase = "failed"
    elif seen.state is State.REFUNDED:
        phrase = _refunded_phrase(seen)
    elif seen.state in {State.DELIVERED, State.COMPLETED}:
        phrase = _delivered_phrase(seen)
    return phrase


def _refunded_phrase(seen: Order) -> str:
    if not seen.paid_amount:
        return "failed_free"
    if seen.ledger.is_lost_in_another_currency:
        return "taken"
    if seen.is_refunded_for_now:
        return "disputed" if seen.is_disputed else "refunding"
    return seen.state


def _delivered_phrase(seen: Order) -> str:
    if seen.state is State.COMPLETED and seen.photos_are_purged:
        return "purged"
    if seen.is_being_redone:
        return "redoing"
    if not seen.result_is_sent:
        return "fetched"
    if not seen.failed_images:
        return seen.state
    owes_or_paid_back = seen.state is State.DELIVERED or seen.refunded_amount
    return f"{seen.state}_partly" if owes_or_paid_back else "partly_free"


def _waits_for_a_bank(seen: Order) -> bool:
    return seen.is_disputed and seen.state not in {State.PAID, *TERMINAL}


def _refresh(seen: Order) -> int | None:
    if seen.state in TERMINAL and not (seen.is_deliverable and seen.is_being_redone):
        return None
    return PATIENT_REFRESH_SECONDS if seen.is_held or _waits_for_a_bank(seen) else REFRESH_SECONDS


def _photo_state(image: Image, names: Mapping[ImageId, str], *, has_ended: bool) -> str:
    if image.failure is not None and image.failure.is_lost_file:
        return "lost"
    if image.is_being_redone:
        return "redoing"
    state = order_schemas.photo(image, names).state
    return _ENDED_WITHOUT_RESULT if has_ended and state not in {"restored", "failed"} else state
