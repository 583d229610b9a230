"""Build a decision of several events."""

from domain.order import events as e
from domain.order.evolve import evolve
from domain.order.order import Order

Decision = tuple[e.Event, ...]
NOTHING: Decision = ()


class DecisionBuilder:
    """The events so far, and the order after them."""

    def __init__(self, order: Order, *events: e.Event) -> None:
        self.order = order
        self._events: list[e.Event] = []
        for event in events:
            self.add(event)

    def add(self, event: e.Event) -> None:
        """Add an event and apply it to the order."""
        self._events.append(event)
        self.order = evolve(self.order, event)

    def done(self) -> Decision:
        """The whole decision."""
        return tuple(self._events)
