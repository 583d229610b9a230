"""The transition table is complete: every event, state and condition is covered."""

from operator import attrgetter

import pytest

from domain.order import events as e
from domain.order.errors import IllegalMoveError
from domain.order.lifecycle import MOVES, Condition, allowed, machine, next_state, require
from domain.order.order import Order
from domain.order.states import State
from tests.domain.support.event_builders import ORDER_ID, Facts
from tests.domain.support.given_when_then import given

FACTS = Facts()


def test_every_event_is_in_the_table() -> None:
    assert {move.event for move in MOVES} == set(e.EVENT_TYPES)


def test_every_state_is_reachable_from_a_new_order() -> None:
    reached = {State.NEW}
    for _ in State:
        reached |= {move.target for move in MOVES if move.source in reached}
    assert reached == set(State)


def test_every_state_but_erased_can_be_left() -> None:
    left = {move.source for move in MOVES if move.source is not move.target}
    assert set(State) - left == {State.ERASED}


def test_nothing_comes_back_to_new_and_nothing_leaves_erased() -> None:
    assert not [move for move in MOVES if move.target is State.NEW]
    assert all(move.target is State.ERASED for move in MOVES if move.source is State.ERASED)


@pytest.mark.parametrize(
    "condition",
    sorted({move.condition for move in MOVES if move.condition}, key=attrgetter("__name__")),
    ids=lambda condition: condition.__name__,
)
def test_every_condition_is_a_claim_an_order_can_answer(condition: Condition) -> None:
    assert isinstance(condition(given(FACTS.paid()).order), bool)


def test_no_row_is_hidden_by_one_above_it() -> None:
    seen: set[tuple[type[e.Event], State]] = set()
    for move in MOVES:
        assert (move.event, move.source) not in seen, f"{move} is never tried"
        if move.condition is None:
            seen.add((move.event, move.source))


def test_every_event_that_may_come_leads_somewhere_whatever_the_conditions_say() -> None:
    last_resorts = {(move.event, move.source) for move in MOVES if move.condition is None}
    conditional = {(move.event, move.source) for move in MOVES if move.condition is not None}
    assert conditional <= last_resorts


def test_the_machine_knows_exactly_the_rows_of_the_table() -> None:
    rows = {
        (event, found.source, found.dest, *(condition.func for condition in found.conditions))
        for event in e.EVENT_TYPES
        for found in machine().get_transitions(event.__name__)
    }
    assert rows == {
        (move.event, move.source.value, move.target.value, *([move.condition] if move.condition else []))
        for move in MOVES
    }


def test_there_is_one_machine_for_all_orders() -> None:
    assert machine() is machine()
    assert machine().models == []


@pytest.mark.parametrize("state", list(State))
def test_what_is_allowed_is_not_refused_and_everything_else_is(state: State) -> None:
    for event in e.EVENT_TYPES:
        if event in allowed(state):
            require(state, event)
            continue
        with pytest.raises(IllegalMoveError) as refusal:
            require(state, event)
        assert refusal.value.state == state
        assert refusal.value.allowed == sorted(kind.__name__ for kind in allowed(state))
        assert event.__name__ in str(refusal.value)


def test_an_event_the_table_does_not_know_leaves_the_order_where_it_is() -> None:
    order = given(FACTS.paid()).order
    assert next_state(State.COMPLETED, FACTS.moved(), order) is State.COMPLETED


def test_a_condition_is_asked_of_the_order_that_knows_the_event() -> None:
    one = Facts(photos=1)
    restoring = given(*one.until_restoring()).order
    settled = given(*one.until_restoring(), one.restored()).order
    assert next_state(State.RESTORING, one.restored(), restoring) is State.RESTORING
    assert next_state(State.RESTORING, one.restored(), settled) is State.SETTLED


def test_a_new_order_can_only_be_paid() -> None:
    assert allowed(State.NEW) == {e.PaymentReceived}
    assert Order(order_id=ORDER_ID).state is State.NEW
