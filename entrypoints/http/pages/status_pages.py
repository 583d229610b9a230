"""Customers' status page of an order, without its id or a token."""

from collections.abc import Mapping
from typing import Any

from litestar import Response

from domain.order.image import Image
from domain.order.order import Order
from domain.order.states import TERMINAL, State
from domain.order.values import ImageId, Money
from entrypoints.http.api import order_schemas
from entrypoints.http.pages.html_pages import page
from entrypoints.http.pages.site import Visit

#: How soon a page reloads while work goes on, and while it waits for a person or a bank.
REFRESH_SECONDS, PATIENT_REFRESH_SECONDS = 5, 60

#: The state shown of a photo that had no result when its order ended.
_ENDED_WITHOUT_RESULT = "not_restored"


def of_order(seen: Order, names: Mapping[ImageId, str], visit: Visit) -> Response[Any]:
    """The page of an order, reloaded until the order has ended."""
    status = _status_phrase(seen)
    has_ended = seen.state in TERMINAL
    is_resendable = status in {"delivered", "completed"} and not seen.is_disputed
    return page(
        "order",
        visit,
        status_phrase=status,
        order=seen,
        settled=sum(image.is_settled for image in seen.images.values()),
        has_ended=has_ended,
        has_button=is_resendable,
        photos=[]
        if seen.state is State.ERASED
        else [
            {
                "name": names.get(image.image_id),
                "state": _photo_state(image, names, has_ended=has_ended),
            }
            for image in seen.images.values()
        ],
        returned=_returned(seen),
        refresh_seconds=_refresh(seen),
    )


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
    elif seen.state is State.REFUNDED and not seen.paid_amount:
        phrase = "failed_free"
    elif seen.every_image_is_settled and not seen.restored_images and seen.state not in TERMINAL:
        phrase = "failed"
    elif seen.state is State.REFUNDED and seen.ledger.is_lost_in_another_currency:
        phrase = "taken"
    elif seen.is_refunded_for_now:
        phrase = "disputed" if seen.is_disputed else "refunding"
    elif seen.state is State.COMPLETED and seen.photos_are_purged:
        phrase = "purged"
    elif seen.state in {State.DELIVERED, State.COMPLETED} and not seen.result_is_sent:
        phrase = "fetched"
    return phrase


def _waits_for_a_bank(seen: Order) -> bool:
    return seen.is_disputed and seen.state not in {State.PAID, *TERMINAL}


def _refresh(seen: Order) -> int | None:
    if seen.state in TERMINAL:
        return None
    return PATIENT_REFRESH_SECONDS if seen.is_held or _waits_for_a_bank(seen) else REFRESH_SECONDS


def _photo_state(image: Image, names: Mapping[ImageId, str], *, has_ended: bool) -> str:
    if image.failure is not None and image.failure.is_lost_file:
        return "lost"
    state = order_schemas.photo(image, names).state
    return _ENDED_WITHOUT_RESULT if has_ended and state not in {"restored", "failed"} else state
