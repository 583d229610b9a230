"""What stands against letting an order's photos go, or its customer be forgotten."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from domain.order.events import RecordedEvent
from domain.order.evolve import apply
from domain.order.order import Order
from domain.order.reactions import required_reactions
from domain.order.states import State
from domain.order.values import OrderId

#: An order in one of these is over, whatever a person or a bank may still want of it.
OVER = frozenset({State.COMPLETED, State.REFUNDED})


class Obstacle(StrEnum):
    """Why an order still needs what it has."""

    IN_WORK = "in_work"  # its photos are not delivered, and not paid back
    HELD = "held"  # a person has to look at it
    DISPUTED = "disputed"  # the photos may be evidence
    MONEY_OWED = "money_owed"  # it has to go back first
    UNFINISHED = "unfinished"  # a mail or a refund is on its way


def obstacle(order: Order) -> Obstacle | None:
    """The first thing that stands against it; none for an order that is over and done with."""
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
    """Whether the customer can still fetch something."""
    return not order.photos_are_purged and any(
        link.expires_at > now and not link.is_revoked for link in order.links.values()
    )


def lived(order_id: OrderId, history: Iterable[RecordedEvent]) -> tuple[Order, datetime | None]:
    """The order its stream tells, and since when it is in the state it is in now; none before any event."""
    order, since = Order(order_id=order_id), None
    for recorded in history:
        after = apply(order, recorded)
        since = recorded.recorded_at if after.state is not order.state else since
        order = after
    return order, since
