"""A decision while it is being made: each event is added to the order the ones before it lead to."""

from domain.order import events as e
from domain.order.evolve import evolve
from domain.order.order import Order

Decision = tuple[e.Event, ...]
NOTHING: Decision = ()


class DecisionBuilder:
    """The events of a decision so far, and the order they lead to."""

    def __init__(self, order: Order, *events: e.Event) -> None:
        self.order = order
        self._events: list[e.Event] = []
        for event in events:
            self.add(event)

    def add(self, event: e.Event) -> None:
        """Have one more event go on record."""
        self._events.append(event)
        self.order = evolve(self.order, event)

    def done(self) -> Decision:
        """The whole decision."""
        return tuple(self._events)
