"""``decide``: the events that a command or a proposed event leads to.

Customers and staff issue commands. A proposed event is what a provider or the shop itself reports: it is recorded with
the events that follow from it at once, or ignored when the order has it already or it comes too late to matter.
"""

from typing import assert_never

from domain.order import events as e
from domain.order.commands import Command, Proposal
from domain.order.decide_command import requested_event
from domain.order.decide_delivery import decide_email, decide_email_feedback, decide_link
from domain.order.decide_disputes import decide_dispute
from domain.order.decide_points import decide_points, points_after
from domain.order.decide_refunds import decide_refund
from domain.order.decide_restoration import decide_restoration, image_of
from domain.order.decision import NOTHING, Decision, DecisionBuilder
from domain.order.errors import AlreadyPaidError
from domain.order.lifecycle import require
from domain.order.limits import Limits
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import HoldReason


def decide(order: Order, proposed: Proposal, limits: Limits) -> Decision:
    """The events to record; none if the proposal changes nothing.

    Raise a ShopError if the order refuses the proposal.
    """
    event = requested_event(order, proposed) if isinstance(proposed, Command) else proposed
    decision = _decide(order, event, limits)
    moves_points = bool(order.points) or isinstance(event, e.PointsEvent)
    if not (decision and moves_points):
        return decision
    return (*decision, *points_after(DecisionBuilder(order, *decision).order))


def _decide(order: Order, proposed: e.Event, limits: Limits) -> Decision:  # noqa: PLR0911, PLR0912, C901 -- one case per group or event
    if isinstance(proposed, e.RestorationEvent):
        return decide_restoration(order, proposed, limits)
    if isinstance(proposed, e.LinkEvent):
        return decide_link(order, proposed)
    if isinstance(proposed, e.EmailEvent):
        return decide_email(order, proposed)
    if isinstance(proposed, e.EmailFeedback):
        return decide_email_feedback(order, proposed)
    if isinstance(proposed, e.RefundEvent):
        return decide_refund(order, proposed)
    if isinstance(proposed, e.DisputeEvent):
        return decide_dispute(order, proposed)
    if isinstance(proposed, e.PointsEvent):
        return decide_points(order, proposed)
    match proposed:
        case e.PaymentReceived():
            return _decide_payment(order, proposed)
        case e.ImagesMoved():
            return _decide_move(order, proposed)
        case e.OrderHeld():
            replaces_hold = proposed.reason is not HoldReason.REFUND_NOT_ISSUED and not order.work_is_stopped
            return _unless(order.is_held and not replaces_hold, order, proposed)
        case e.OrderReleased():
            return _unless(not order.is_held, order, proposed)
        case e.PhotosPurged():
            return _unless(order.photos_are_purged, order, proposed)
        case e.OrderErased():
            return _unless(order.state is State.ERASED, order, proposed)
        case e.NoteAdded():
            return _unless(False, order, proposed)  # noqa: FBT003 -- no note is ever known before
        case _:
            assert_never(proposed)


def _unless(known: bool, order: Order, proposed: e.Event) -> Decision:  # noqa: FBT001 -- reads as a sentence at the call
    if known:
        return NOTHING
    require(order.state, type(proposed))
    return (proposed,)


def _decide_payment(order: Order, proposed: e.PaymentReceived) -> Decision:
    if order.payment is not None:
        if order.payment.checkout_session_id == proposed.checkout_session_id:
            return NOTHING
        raise AlreadyPaidError(order_id=order.order_id, checkout_session_id=proposed.checkout_session_id)
    require(order.state, type(proposed))
    price = proposed.quoted - proposed.discount
    if proposed.paid == (price + proposed.tax if proposed.tax is not None else price):
        return (proposed,)
    return (proposed, e.OrderHeld(reason=HoldReason.AMOUNT_MISMATCH))


def _decide_move(order: Order, proposed: e.ImagesMoved) -> Decision:
    if order.state is not State.PAID:
        return NOTHING
    for moved in proposed.images:
        image_of(order, moved.image_id)
    is_moved = {moved.image_id for moved in proposed.images}
    is_whole = all(image.is_settled or image.image_id in is_moved for image in order.images.values())
    return (proposed,) if is_whole else NOTHING
