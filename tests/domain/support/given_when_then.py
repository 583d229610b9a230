"""Examples that read as sentences: ``given(*history).when(proposed).then(*recorded)``."""

from dataclasses import dataclass
from functools import reduce
from typing import Self

import pytest

from domain.order import events as e
from domain.order.commands import Proposal
from domain.order.decide import decide
from domain.order.decision import Decision
from domain.order.errors import ShopError
from domain.order.evolve import evolve
from domain.order.lifecycle import may_be_on_record
from domain.order.limits import Limits
from domain.order.order import Order
from domain.order.reactions import Reaction, pending_reactions, reactions_to
from domain.order.states import State
from domain.order.values import OrderId
from tests.domain.support.event_builders import ORDER_ID

LIMITS = Limits(max_restoration_attempts=3)


def given(*history: e.Event, order_id: OrderId = ORDER_ID) -> "Given":
    """An order with a history, which the lifecycle has to allow."""
    return Given(reduce(_lived, history, Order(order_id=order_id)))


def _lived(order: Order, event: e.Event) -> Order:
    assert may_be_on_record(order.state, type(event)), (
        f"{type(event).__name__} cannot have happened: {order.state}"
    )
    return evolve(order, event)


@dataclass(frozen=True)
class Given:
    """An order, before a further proposal."""

    order: Order
    limits: Limits = LIMITS

    def when(self, proposed: Proposal) -> "When":
        """Propose an event or a command."""
        return When(self.order, proposed, self.limits)

    def has_state(self, state: State) -> Self:
        """Assert the order's state."""
        assert self.order.state is state
        return self

    def needs(self, *work: Reaction) -> Self:
        """Assert the pending reactions, all of them."""
        assert pending_reactions(self.order) == list(work)
        return self


@dataclass(frozen=True)
class When:
    """An order with a proposal."""

    before: Order
    proposed: Proposal
    limits: Limits

    def then(self, *expected: e.Event) -> "Then":
        """Assert the recorded events; return the order after them."""
        decision = self._decide()
        assert decision == expected
        return Then(order=reduce(_lived, decision, self.before), limits=self.limits, before=self.before)

    def then_nothing(self) -> None:
        """Assert that the proposal is a duplicate, or without effect by now."""
        assert self._decide() == ()

    def then_refused(self, error: type[ShopError], **fields: object) -> None:
        """Assert that the proposal is refused, with the error's fields."""
        with pytest.raises(error) as refusal:
            self._decide()
        assert {name: getattr(refusal.value, name) for name in fields} == fields

    def _decide(self) -> Decision:
        return decide(self.before, self.proposed, self.limits)


@dataclass(frozen=True, kw_only=True)
class Then(Given):
    """The order after the recorded events."""

    before: Order

    def adds(self, *work: Reaction) -> Self:
        """Assert the reactions that these events added."""
        assert [due.reaction for due in reactions_to(self.before, self.order, Limits())] == list(work)
        return self
