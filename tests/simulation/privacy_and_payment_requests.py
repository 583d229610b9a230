"""Staff requests about customers, and about payments without an order."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING

from domain.order.ledger import RefundStatus
from domain.order.order import Order
from domain.order.values import OrderId, UploadSessionId
from domain.ports.upload_sessions import UploadStatus
from domain.unmatched_payment import UnmatchedStatus
from domain.use_cases.support.staff_requests import StaffRequest

if TYPE_CHECKING:
    from tests.simulation.world import World


def corrected(email: str) -> str:
    """The customer's corrected address; they read mail to the wrong one, too."""
    return email.replace("@customer", "@right")


def forget(world: "World", order: Order, by: StaffRequest) -> bool:
    """Erase the customer of an order, with all their orders."""
    customer = _customer(world, order)
    if customer is None:
        return False
    world.customer_erasure.erase(customer, actor=by.actor, reason=by.reason)
    return True


def correct_address(world: "World", order: Order, by: StaffRequest) -> bool:
    """Correct the address of an order's customer."""
    customer = _customer(world, order)
    if customer is None:
        return False
    world.email_correction.correct(order.order_id, by, corrected(customer))
    return True


def export(world: "World", order: Order, by: StaffRequest) -> bool:
    """Export the data of an order's customer."""
    del by
    customer = _customer(world, order)
    if customer is None:
        return False
    for _ in world.data_export.export(customer).content:
        pass
    return True


def match(world: "World", order: Order, by: StaffRequest) -> bool:
    """Match a payment without an order to an upload session.

    Either to one that is not paid for yet, or to photos that the customer brings again.
    """
    del order
    checkout = open_unmatched_payment(world)
    if checkout is None:
        return False
    sessions = {
        str(page.session.session_id): page.session.session_id
        for page in world.own_unit_of_work.pages.uploads.values()
        if page.session.status not in {UploadStatus.PAID, UploadStatus.EXPIRED}
    }
    is_theirs = world.chance.at(f"theirs {checkout}") < 0.5
    session_id = world.chance.favourite(f"match {checkout}", sessions) if sessions and is_theirs else None
    session_id = session_id or _brought(world, checkout)
    world.unmatched_payment_service.match(checkout, session_id, actor=by.actor, note=by.reason)
    return True


def _brought(world: "World", checkout: str) -> UploadSessionId:
    """Upload a photo that a customer brings to the counter."""
    session = world.upload_service.open()
    photo = b"brought for %s: portrait of sitter 1" % checkout.encode()
    world.upload_service.add(session.session_id, "brought.jpg", BytesIO(photo), len(photo))
    return session.session_id


def pay_back(world: "World", order: Order, by: StaffRequest) -> bool:
    """Refund a payment without an order before its wait is over."""
    del order
    checkout = open_unmatched_payment(world)
    if checkout is None:
        return False
    world.unmatched_payment_service.refund(checkout, actor=by.actor, note=by.reason)
    return True


def pay_back_twice(world: "World", order: Order, by: StaffRequest) -> bool:
    """Record a manual refund of a payment also refunded at the provider."""
    del order
    owed = failed_refund(world)
    if owed is None:
        return False
    order_id, number = owed
    world.staff_actions.record_manual_refund(order_id, by, refund=number)
    world.trace.recover("a refund was paid by hand")
    return world.refund_by_hand(order_id, 100)


#: Each returns whether there was anything to do.
HANDLERS: Mapping[str, Callable[["World", Order, StaffRequest], bool]] = {
    "forget the customer": forget,
    "correct the address": correct_address,
    "export": export,
    "match a payment": match,
    "pay back a payment": pay_back,
    "pay back twice": pay_back_twice,
}
ABOUT_MONEY = ("match a payment", "pay back a payment")


def _customer(world: "World", order: Order) -> str | None:
    """The current address of an order's customer."""
    customer = (
        world.own_unit_of_work.pages.customers.get(order.payment.customer_id) if order.payment else None
    )
    return customer.email if customer is not None else None


def failed_refund(world: "World") -> tuple[OrderId, int] | None:
    """Find an order with a failed refund, and the refund's number."""
    orders = world.own_unit_of_work.pages.orders
    for order_id in sorted(orders):
        for number, refund in enumerate(orders[order_id].refunds.values(), start=1):
            if refund.status is RefundStatus.FAILED:
                return order_id, number
    return None


def open_unmatched_payment(world: "World") -> str | None:
    """Find an unmatched payment that is not decided yet."""
    aside = world.own_unit_of_work.pages.unmatched.values()
    open_ones = sorted(one.checkout_session_id for one in aside if one.status is UnmatchedStatus.OPEN)
    return open_ones[0] if open_ones else None
