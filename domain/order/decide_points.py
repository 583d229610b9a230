"""Decide points of the referral program."""

from collections.abc import Iterator

from domain.order import events as e
from domain.order.decision import NOTHING, Decision
from domain.order.lifecycle import require
from domain.order.order import Order
from domain.order.values import PointsReason

_EARNED = frozenset({PointsReason.WELCOME, PointsReason.REFERRAL})


def decide_points(order: Order, proposed: e.PointsEvent) -> Decision:
    """Record points earned or spent, once per customer and reason.

    What a refund does to points follows from the refund: see ``points_after``.
    """
    is_first_hand = (
        proposed.reason in _EARNED
        if isinstance(proposed, e.PointsCredited)
        else (proposed.reason is PointsReason.SPENT)
    )
    is_known = any(
        p.customer_id == proposed.customer_id and p.reason is proposed.reason for p in order.points
    )
    if proposed.points <= 0 or not is_first_hand or is_known:
        return NOTHING
    require(order.state, type(proposed))
    return (proposed,)


def points_after(order: Order) -> Iterator[e.Event]:
    """Points to debit and credit after money was returned.

    In proportion to the returned part of the payment, earned points are debited and spent points are credited again.
    """
    paid, back = order.paid_amount, order.ledger.returned_amount
    if paid == 0:
        # Nothing was charged, so the share of failed images, which points paid for, counts instead.
        paid, back = len(order.images), len(order.failed_images)
    for customer_id in dict.fromkeys(entry.customer_id for entry in order.points):
        mine = [entry for entry in order.points if entry.customer_id == customer_id]
        earned = sum(entry.points for entry in mine if entry.reason in _EARNED)
        spent = -sum(entry.points for entry in mine if entry.reason is PointsReason.SPENT)
        taken = -sum(entry.points for entry in mine if entry.reason is PointsReason.TAKEN_BACK)
        returned = sum(entry.points for entry in mine if entry.reason is PointsReason.RETURNED)
        if (more := earned * back // paid - taken) > 0:
            yield e.PointsDebited(customer_id=customer_id, points=more, reason=PointsReason.TAKEN_BACK)
        if (more := spent * back // paid - returned) > 0:
            yield e.PointsCredited(customer_id=customer_id, points=more, reason=PointsReason.RETURNED)
