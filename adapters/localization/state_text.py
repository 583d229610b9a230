"""The words for each state of an order, by audience.

Customers' pages word the states once more in each language: ``order_page`` in the catalogs.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from adapters.localization.formats import capitalised, counted, every
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import Money


class StateText(NamedTuple):
    """A state in words, in English."""

    label: str  # for staff, after "the order is"
    owner: str  # a sentence for the order's owner
    staff: Callable[[Order], str]  # a sentence for staff, with photos and amounts


def money_of(order: Order, amount: int) -> Money:
    """An amount in the order's currency."""
    return Money(amount=amount, currency=order.payment.paid.currency if order.payment else "")


def _settled(order: Order) -> str:
    failed = len(order.failed_images)
    some_failed = f", {failed} failed for good" if failed else ""
    return f"{len(order.restored_images)} of {_photos(order)} restored{some_failed}."


def _delivered(order: Order) -> str:
    unpaid_refunds = order.ledger.unpaid_refunds
    owed = (
        f"and {money_of(order, unpaid_refunds)} has yet to be refunded"
        if unpaid_refunds
        else "the money for the others is owed"
    )
    return f"{capitalised(_delivery(order))}, {owed}."


def _completed(order: Order) -> str:
    back = f", and {money_of(order, order.refunded_amount)} was refunded" if order.refunded_amount else ""
    return f"The order is complete: {_delivery(order)}{back}."


def _refunded(order: Order) -> str:
    if order.ledger.is_lost_in_another_currency:
        issued = order.ledger.issued
        refunded = f", and {money_of(order, issued)} was refunded" if issued else ""
        return f"The order is closed: a bank took the payment in another currency{refunded}."
    was = "is being" if order.is_refunded_for_now else "was"
    return f"The order is closed: all of {money_of(order, order.paid_amount)} {was} refunded to the customer."


def _photos(order: Order) -> str:
    return counted(len(order.images), "photo")


def _delivery(order: Order) -> str:
    """How far the results have come, by the log."""
    restored, photos = len(order.restored_images), len(order.images)
    results = every(photos, "", "").strip() if restored == photos else f"{restored} of {photos} photos"
    fetched = sum(len(link.fetched) for link in order.links.values())
    if not order.result_is_sent:
        return f"the customer fetched {counted(fetched, 'file')} through the link to {results}"
    sent = f"the link to {results} was sent to the customer"
    return f"{sent}, who fetched {counted(fetched, 'file')} through it" if fetched else sent


STATES: Mapping[State, StateText] = {
    State.NEW: StateText(
        label="not paid yet",
        owner="The order is not paid yet.",
        staff=lambda _: "Nothing was paid yet: there is no order.",
    ),
    State.PAID: StateText(
        label="paid and about to be begun",
        owner="The payment is here; the photos are being put in their place.",
        staff=lambda order: f"{_photos(order)} paid.",
    ),
    State.RESTORING: StateText(
        label="being restored",
        owner="The photos are being restored.",
        staff=lambda order: (
            f"The photos are being restored: {len(order.restored_images)} of {len(order.images)} done."
        ),
    ),
    State.SETTLED: StateText(
        label="restored and about to be packed",
        owner="The restored photos are being packed.",
        staff=_settled,
    ),
    State.READY: StateText(
        label="ready to be fetched",
        owner="The restored photos are ready; the e-mail with their link is on its way.",
        staff=lambda order: f"{counted(len(order.restored_images), 'restored photo')} ready to be fetched.",
    ),
    State.DELIVERED: StateText(
        label="delivered, with money still owed",
        owner="The restored photos are delivered; what is paid back is on its way.",
        staff=_delivered,
    ),
    State.COMPLETED: StateText(
        label="complete",
        owner="Everything that was paid for is delivered or refunded.",
        staff=_completed,
    ),
    State.REFUNDING: StateText(
        label="stopped, with all its money on the way back",
        owner="The order is stopped; everything that was paid is on its way back.",
        staff=lambda order: (
            f"The order was stopped: all of {money_of(order, order.paid_amount)} is being refunded to the customer."
        ),
    ),
    State.REFUNDED: StateText(
        label="paid back",
        owner="Everything that was paid went back.",
        staff=_refunded,
    ),
    State.ERASED: StateText(
        label="closed, and its customer's data erased",
        owner="The photos and all personal data are erased.",
        staff=lambda _: "The order is closed and its customer's data are erased.",
    ),
}
#: For the owner of an order that is over because a bank took the payment in another currency.
TAKEN = "The bank took the payment back in another currency; the order is closed."
#: For the owner of an order that is held, in each state.
HELD = "A person of the shop is looking at this order; nothing needs to be done."
