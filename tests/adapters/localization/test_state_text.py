"""Every state of an order is worded for every audience."""

import pytest

from adapters.localization.catalog import own_catalogs
from adapters.localization.state_text import STATES
from domain.order.order import Order
from domain.order.states import State
from tests.domain.support.event_builders import Facts
from tests.domain.support.given_when_then import given

FACTS = Facts(photos=2)
#: An order with whose figures every state can be worded.
SEEN: Order = given(*FACTS.until_completed()).order
#: States of which a customer's order page speaks; without a payment there is no order.
ON_PAGES = [state for state in State if state is not State.NEW]


@pytest.mark.parametrize("state", State)
def test_every_state_has_words_for_staff_and_for_the_orders_owner(state: State) -> None:
    text = STATES[state]
    assert text.label
    assert text.label[0].islower()
    for sentence in (text.owner, text.staff(SEEN)):
        assert (sentence[0], sentence[-1]) == (sentence[0].upper(), "."), sentence


def test_no_two_states_have_the_same_label() -> None:
    labels = [STATES[state].label for state in State]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("language", own_catalogs())
@pytest.mark.parametrize("state", ON_PAGES)
def test_every_state_has_words_on_the_order_page_of_each_language(state: State, language: str) -> None:
    catalog = own_catalogs()[language]
    assert catalog.say(f"order_page.{state}_title")
    assert catalog.say(f"order_page.{state}")
