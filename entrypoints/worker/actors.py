"""Dramatiq actors, one per queue, which perform reactions by id."""

from collections.abc import Callable
from uuid import UUID

import dramatiq
import structlog

from domain.ports.unit_of_work import LeaseLostError, UnreadableReactionError
from domain.use_cases.reaction_runner import ReactionRunner
from entrypoints.worker.lease_renewal import LeaseRenewal

_log = structlog.get_logger(__name__)


def declare_actors(broker: dramatiq.Broker, perform: Callable[[str], None]) -> None:
    """Declare an actor of the same name for each broker queue."""
    for queue_name in broker.get_declared_queues():
        dramatiq.actor(broker=broker, queue_name=queue_name, actor_name=queue_name)(perform)


def performer(reaction_runner: ReactionRunner, leases: LeaseRenewal) -> Callable[[str], None]:
    """A function that claims, performs and logs a reaction by id."""

    def perform(reaction_id: str) -> None:
        try:
            claimed = reaction_runner.claim(UUID(reaction_id))
        except UnreadableReactionError as error:
            _log.error("reaction_unreadable", reaction_id=reaction_id, problem=str(error))
            return
        if claimed is None:
            return
        claim, order = claimed
        log = _log.bind(
            reaction_id=reaction_id,
            order_id=str(order.order_id),
            kind=type(claim.reaction).__name__,
            attempt=claim.attempts,
        )
        log.info("reaction_claimed")
        try:
            with leases.keep(claim, order):
                reaction_runner.perform(claim, order)
        except LeaseLostError:
            log.warning("lease_lost")
        else:
            log.info("reaction_handled")

    return perform
