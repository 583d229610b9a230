"""Event envelopes and commits, as the services would write them."""

from collections.abc import Iterable
from datetime import datetime
from uuid import uuid4

from domain.order import events as e
from domain.order.evolve import apply
from domain.order.order import Order
from domain.order.values import OrderId
from domain.ports.event_store import Commit
from domain.ports.reaction_queue import Claim, Outcome, ScheduledReaction
from tests.domain.support.event_builders import PAID_AT


def recorded(
    before: Order,
    *events: e.Event,
    at: datetime = PAID_AT,
    cause: str = "test",
    cause_key: str | None = None,
) -> tuple[e.RecordedEvent, ...]:
    """Envelopes for events, from the order's next version, each with its cause."""
    return tuple(
        e.RecordedEvent(
            event_id=uuid4(),
            order_id=before.order_id,
            version=version,
            recorded_at=at,
            cause=cause,
            cause_key=cause_key or f"test:{uuid4()}",
            correlation_id=uuid4(),
            actor="person:tester",
            event=event,
        )
        for version, event in enumerate(events, start=before.version + 1)
    )


def step(
    before: Order | OrderId,
    *events: e.Event,
    at: datetime = PAID_AT,
    cause: str = "test",
    cause_key: str | None = None,
    reactions: Iterable[ScheduledReaction] = (),
    closes: Claim | None = None,
    outcome: Outcome = Outcome.DONE,
) -> Commit:
    """A commit that records the events without deciding anything."""
    order = before if isinstance(before, Order) else Order(order_id=before)
    envelopes = recorded(order, *events, at=at, cause=cause, cause_key=cause_key)
    after = order
    for envelope in envelopes:
        after = apply(after, envelope)
    return Commit(
        before=order,
        after=after,
        events=envelopes,
        reactions=tuple(reactions),
        closes=closes,
        outcome=outcome,
    )
