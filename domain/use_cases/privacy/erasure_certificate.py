"""The facts of the certificate given to an erased customer.

They are what was removed, and the ids by which other companies know the orders.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.order.order import Order
from domain.order.values import OrderNumber
from domain.ports.personal_data import Erasure


@dataclass(frozen=True, kw_only=True)
class ErasedOrder:
    """An erased order, with the ids by which providers know it."""

    number: OrderNumber
    photos: int
    payment_intent_id: str | None
    message_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """The record of what was removed.

    It contains no personal data, so the shop may keep it.
    """

    erasure: Erasure
    orders: tuple[ErasedOrder, ...]
    removed: Mapping[str, int]  # rows by table
    objects: int | None  # versions of objects; None if the storage was unavailable, and reactions delete them


def erased_order(order: Order) -> ErasedOrder:
    """Return what a certificate says about an order."""
    if order.payment is None:
        raise AssertionError("An order with a customer was paid.")
    return ErasedOrder(
        number=order.payment.order_number,
        photos=len(order.images),
        payment_intent_id=order.payment.payment_intent_id,
        message_ids=tuple(email.message_id for email in order.emails.values() if email.message_id),
    )
