"""A stream alone determines an order, its version and first state times."""

from datetime import timedelta

from domain.order.evolve import apply, fold
from domain.order.order import Order
from domain.order.states import State
from tests.domain.support.event_builders import ORDER_ID, PAID_AT, Facts
from tests.domain.support.recording import recorded

FACTS = Facts()


def test_no_events_make_a_new_order() -> None:
    assert fold(ORDER_ID, []) == Order(order_id=ORDER_ID)


def test_the_version_is_that_of_the_last_event() -> None:
    order = fold(ORDER_ID, recorded(Order(order_id=ORDER_ID), *FACTS.until_completed()))
    assert order.version == len(FACTS.until_completed())


def test_folding_in_two_goes_is_folding_in_one() -> None:
    stream = recorded(Order(order_id=ORDER_ID), *FACTS.until_completed())
    half = fold(ORDER_ID, stream[:4])
    for event in stream[4:]:
        half = apply(half, event)
    assert half == fold(ORDER_ID, stream)


def test_a_state_keeps_the_moment_it_was_first_reached() -> None:
    completed = recorded(Order(order_id=ORDER_ID), *FACTS.until_delivered(), FACTS.refund_issued(490))
    order = fold(ORDER_ID, completed)
    first_time = order.entered_at[State.COMPLETED]
    later = first_time + timedelta(days=3)
    again = recorded(order, FACTS.refund_failed(), FACTS.refund_issued(490), at=later)
    for event in again:
        order = apply(order, event)
    assert order.state is State.COMPLETED
    assert order.entered_at[State.COMPLETED] == first_time
    assert order.entered_at[State.PAID] == PAID_AT
