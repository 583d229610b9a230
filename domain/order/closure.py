"""Whether an order may be purged or its customer erased."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from domain.order.events import RecordedEvent
from domain.order.evolve import apply
from domain.order.order import Order
from domain.order.reactions import required_reactions
from domain.order.states import State
from domain.order.values import OrderId

#: In these states an order has ended, unless staff or a bank still need it.
OVER = frozenset({State.COMPLETED, State.REFUNDED})


class Obstacle(StrEnum):
    """Why an order's photos and data are still needed."""

    IN_WORK = "in_work"  # its photos are neither delivered nor refunded
    HELD = "held"  # held for staff
    DISPUTED = "disputed"  # the photos may be evidence
    MONEY_OWED = "money_owed"  # an amount is still to be refunded
    UNFINISHED = "unfinished"  # an e-mail or a refund is on its way


def obstacle(order: Order) -> Obstacle | None:
    """The first obstacle; none if the order has ended."""
    if order.state not in OVER:
        return Obstacle.IN_WORK
    if order.is_held:
        return Obstacle.HELD
    if order.is_disputed or order.has_open_inquiry:
        return Obstacle.DISPUTED
    if order.money_is_owed:
        return Obstacle.MONEY_OWED
    return Obstacle.UNFINISHED if required_reactions(order) else None


def has_good_link(order: Order, now: datetime) -> bool:
    """Whether the customer can still download something."""
    return not order.photos_are_purged and any(
        link.expires_at > now and not link.is_revoked for link in order.links.values()
    )


def order_and_state_since(
    order_id: OrderId, history: Iterable[RecordedEvent]
) -> tuple[Order, datetime | None]:
    """The order of a stream, and since when it has its state.

    The time is none for a stream without events.
    """
    order, since = Order(order_id=order_id), None
    for recorded in history:
        after = apply(order, recorded)
        since = recorded.recorded_at if after.state is not order.state else since
        order = after
    return order, since
