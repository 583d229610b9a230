"""What people at the shop do about persons, and about money that belongs to no order."""

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
    """The address that somebody turns out to have; they read what comes to the wrong one, too."""
    return email.replace("@customer", "@right")


def forget(world: "World", order: Order, by: StaffRequest) -> bool:
    """Erase the customer of an order, with all their orders."""
    customer = _customer(world, order)
    if customer is None:
        return False
    world.customer_erasure.erase(customer, actor=by.actor, reason=by.reason)
    return True


def correct_address(world: "World", order: Order, by: StaffRequest) -> bool:
    """Give an order's customer another address."""
    customer = _customer(world, order)
    if customer is None:
        return False
    world.email_correction.correct(order.order_id, by, corrected(customer))
    return True


def export(world: "World", order: Order, by: StaffRequest) -> bool:
    """Give an order's customer all that there is about them."""
    del by
    customer = _customer(world, order)
    if customer is None:
        return False
    for _ in world.data_export.export(customer).content:
        pass
    return True


def match(world: "World", order: Order, by: StaffRequest) -> bool:
    """Give money without an order to photos that nobody has paid for, or that the customer brings once more."""
    del order
    checkout = set_aside(world)
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
    """A photo that somebody brings to the counter."""
    session = world.upload_service.open()
    photo = b"brought for %s: portrait of sitter 1" % checkout.encode()
    world.upload_service.add(session.session_id, "brought.jpg", BytesIO(photo), len(photo))
    return session.session_id


def pay_back(world: "World", order: Order, by: StaffRequest) -> bool:
    """Pay back money without an order before its time."""
    del order
    checkout = set_aside(world)
    if checkout is None:
        return False
    world.unmatched_payment_service.refund(checkout, actor=by.actor, note=by.reason)
    return True


def pay_back_twice(world: "World", order: Order, by: StaffRequest) -> bool:
    """Pay a failed refund by hand, while somebody else pays it back in the provider's dashboard."""
    del order
    owed = failed_refund(world)
    if owed is None:
        return False
    order_id, number = owed
    world.staff_actions.record_manual_refund(order_id, by, refund=number)
    world.trace.recover("a refund was paid by hand")
    return world.refund_by_hand(order_id, 100)


#: Each says whether there was anything to do.
WISHES: Mapping[str, Callable[["World", Order, StaffRequest], bool]] = {
    "forget the customer": forget,
    "correct the address": correct_address,
    "export": export,
    "match a payment": match,
    "pay back a payment": pay_back,
    "pay back twice": pay_back_twice,
}
ABOUT_MONEY = ("match a payment", "pay back a payment")


def _customer(world: "World", order: Order) -> str | None:
    """The address of an order's customer as the books have it now."""
    customer = (
        world.own_unit_of_work.pages.customers.get(order.payment.customer_id) if order.payment else None
    )
    return customer.email if customer is not None else None


def failed_refund(world: "World") -> tuple[OrderId, int] | None:
    """An order with a refund that failed, and the refund's number at the desk."""
    orders = world.own_unit_of_work.pages.orders
    for order_id in sorted(orders):
        for number, refund in enumerate(orders[order_id].refunds.values(), start=1):
            if refund.status is RefundStatus.FAILED:
                return order_id, number
    return None


def set_aside(world: "World") -> str | None:
    """A payment of which nobody has decided yet."""
    aside = world.own_unit_of_work.pages.unmatched.values()
    open_ones = sorted(one.checkout_session_id for one in aside if one.status is UnmatchedStatus.OPEN)
    return open_ones[0] if open_ones else None
