"""``given(what happened).when(what is said).then(what goes on record)``: examples that read as sentences."""

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
    """An order with a history; one that the lifecycle forbids is a mistake of the test."""
    return Given(reduce(_lived, history, Order(order_id=order_id)))


def _lived(order: Order, event: e.Event) -> Order:
    assert may_be_on_record(order.state, type(event)), (
        f"{type(event).__name__} cannot have happened: {order.state}"
    )
    return evolve(order, event)


@dataclass(frozen=True)
class Given:
    """An order, before anything more is said."""

    order: Order
    limits: Limits = LIMITS

    def when(self, proposed: Proposal) -> "When":
        """Say something."""
        return When(self.order, proposed, self.limits)

    def stands(self, state: State) -> Self:
        """Assert where the order stands."""
        assert self.order.state is state
        return self

    def needs(self, *work: Reaction) -> Self:
        """Assert all the work that is outstanding."""
        assert pending_reactions(self.order) == list(work)
        return self


@dataclass(frozen=True)
class When:
    """An order to which something is being said."""

    before: Order
    proposed: Proposal
    limits: Limits

    def then(self, *expected: e.Event) -> "Then":
        """Assert what goes on record, and give the order it leads to."""
        decision = self._decide()
        assert decision == expected
        return Then(order=reduce(_lived, decision, self.before), limits=self.limits, before=self.before)

    def then_nothing(self) -> None:
        """Assert that it is nothing new, or came too late to matter."""
        assert self._decide() == ()

    def then_refused(self, error: type[ShopError], **fields: object) -> None:
        """Assert that it cannot be taken, and what the error tells."""
        with pytest.raises(error) as refusal:
            self._decide()
        assert {name: getattr(refusal.value, name) for name in fields} == fields

    def _decide(self) -> Decision:
        return decide(self.before, self.proposed, self.limits)


@dataclass(frozen=True, kw_only=True)
class Then(Given):
    """The order after what was said."""

    before: Order

    def adds(self, *work: Reaction) -> Self:
        """Assert the work that this step brought."""
        assert [due.reaction for due in reactions_to(self.before, self.order, Limits())] == list(work)
        return self
