"""One log line for each attempt at a reaction."""

from datetime import timedelta

import structlog

from domain.order.order import Order
from domain.ports.observer import AttemptEnd, NoObserver
from domain.ports.reaction_queue import Claim

_log = structlog.get_logger(__name__)

#: Ends that someone may have to look into, if they repeat.
_TROUBLED = frozenset({AttemptEnd.RETRIED, AttemptEnd.GIVEN_UP, AttemptEnd.LEASE_LOST})


class ReactionLog(NoObserver):
    """Logs how attempts end, by ids and kinds only."""

    def attempt_ended(self, claim: Claim, order: Order, end: AttemptEnd, took: timedelta) -> None:
        write = _log.warning if end in _TROUBLED else _log.info
        write(
            "reaction_handled",
            kind=type(claim.reaction).__name__,
            outcome=end.value,
            attempt=claim.attempts,
            duration_ms=round(took.total_seconds() * 1000, 1),
            reaction_id=str(claim.reaction_id),
            order_id=str(order.order_id),
            order_number=order.payment.order_number if order.payment is not None else None,
        )
